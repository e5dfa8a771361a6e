package dev.quire.kernel.cuda;

import org.jspecify.annotations.Nullable;

/**
 * Device memory that all products with rounded inputs share: the codes of a step's input with their scales, and the sums of
 * products that a library leaves unscaled. Its size is known when all matrices are loaded.
 */
final class RoundingScratch implements AutoCloseable {
    /** Unscaled sums of more rows are computed in pieces. */
    static final long MAX_SUM_BYTES = 128L << 20;

    /** Rows of a piece at least. */
    private static final int MIN_PIECE = 256;

    private static final int ALIGN = 256;

    /**
     * Bytes for one row of input.
     *
     * @param codeBytes of an input row's codes
     * @param numScales of it
     * @param sumColumns outputs of products whose sums are kept; 0 when none are
     */
    record Demand(int codeBytes, int numScales, int sumColumns) {
        static final Demand NONE = new Demand(0, 0, 0);

        Demand and(Demand other) {
            return new Demand(
                    Math.max(codeBytes, other.codeBytes),
                    Math.max(numScales, other.numScales),
                    Math.max(sumColumns, other.sumColumns));
        }

        long bytes(int rows) {
            return codes(rows) + scales(rows) + zeros(rows) + sums(rows);
        }

        private long codes(int rows) {
            return aligned((long) rows * codeBytes);
        }

        private long scales(int rows) {
            return aligned(4L * rows * numScales);
        }

        private long zeros(int rows) {
            return codeBytes == 0 ? 0 : aligned(4L * rows);
        }

        private long sums(int rows) {
            long all = 4L * rows * sumColumns;
            long least = 4L * Math.min(rows, MIN_PIECE) * sumColumns;
            return aligned(Math.max(least, Math.min(all, MAX_SUM_BYTES)));
        }

        private static long aligned(long bytes) {
            return (bytes + ALIGN - 1) / ALIGN * ALIGN;
        }
    }

    private Demand demand = Demand.NONE;
    private @Nullable DeviceMemory memory;
    private int rows;

    /** Rows of one piece of unscaled sums, so that the pieces are even. */
    static int piece(int rows, int columns) {
        int most = (int) Math.max(MIN_PIECE, MAX_SUM_BYTES / 4 / columns / MIN_PIECE * MIN_PIECE);
        int pieces = (rows + most - 1) / most;
        int even = (rows + pieces - 1) / pieces;
        return Math.min(rows, (even + 15) / 16 * 16);
    }

    /** A product will need so much. */
    void announce(Demand more) {
        demand = demand.and(more);
    }

    /** Bytes that {@link #reserve} will take after what was announced so far. */
    long bytes(int maxRows) {
        return demand.bytes(maxRows);
    }

    /** Takes the memory for steps of up to {@code maxRows} rows; after all matrices are loaded. */
    void reserve(int maxRows) {
        long bytes = demand.bytes(maxRows);
        if (bytes == 0) {
            return;
        }
        if (memory != null && memory.numBytes() >= bytes && rows >= maxRows) {
            return;
        }
        close();
        memory = DeviceMemory.allocate("rounded activations", bytes);
        rows = maxRows;
    }

    /** Device address of the codes of up to {@code numRows} rows. */
    long codes(int numRows) {
        DeviceMemory held = memory;
        if (held == null || numRows > rows) {
            throw new IllegalStateException("a product with rounded inputs has " + numRows + " rows, reserved are "
                    + (held == null ? 0 : rows));
        }
        return held.address();
    }

    long scales() {
        return codes(0) + demand.codes(rows);
    }

    long zeros() {
        return scales() + demand.scales(rows);
    }

    long sums() {
        return zeros() + demand.zeros(rows);
    }

    @Override
    public void close() {
        if (memory != null) {
            memory.close();
            memory = null;
        }
    }
}
