package dev.quire.kernel.cuda;

import org.jspecify.annotations.Nullable;

/** {@code int_dequantize.cu}, and the device memory it writes to: matrices as bf16 and inputs in another order. */
final class IntScratch implements AutoCloseable {
    /** Of bf16 made from a matrix, in pieces where the whole is larger. */
    static final long EXPANDED_BYTES = 64L << 20;

    private static final int BLOCK = 256;
    private static final int ROW_BLOCK = 128;
    private static final int ROW_UNIT = 128;

    private final KernelLaunch four;
    private final KernelLaunch eight;
    private final KernelLaunch permute;
    private @Nullable DeviceMemory expanded;
    private @Nullable DeviceMemory permuted;

    IntScratch(KernelFactory kernels) {
        four = kernels.kernel("dequantize_w4", BLOCK, 11);
        eight = kernels.kernel("dequantize_w8", BLOCK, 11);
        permute = kernels.kernel("permute_columns_bf16", ROW_BLOCK, 7);
    }

    /** Takes the memory for expanded matrices. */
    long expanded() {
        if (expanded == null) {
            expanded = DeviceMemory.allocate("matrices of integers as bf16", EXPANDED_BYTES);
        }
        return expanded.address();
    }

    /** Rows of a matrix that are expanded at a time. */
    static int expandedRows(int outFeatures, int inFeatures) {
        long most = Math.max(1, EXPANDED_BYTES / (2L * inFeatures) / ROW_UNIT) * ROW_UNIT;
        long pieces = (outFeatures + most - 1) / most;
        long even = (outFeatures + pieces - 1) / pieces;
        return (int) Math.min(most, (even + ROW_UNIT - 1) / ROW_UNIT * ROW_UNIT);
    }

    /** Whether one unit of rows has room. */
    static boolean fits(int inFeatures) {
        return 2L * ROW_UNIT * inFeatures <= EXPANDED_BYTES;
    }

    /** Writes rows [first, first + count) of the matrix as bf16; first is a multiple of the tile's rows. */
    void expand(IntMatrix matrix, int first, int count) {
        KernelLaunch kernel = matrix.form().bits() == 4 ? four : eight;
        kernel.set(0, expanded()).set(1, matrix.codes()).set(2, matrix.scales());
        kernel.set(3, matrix.outFeatures()).set(4, matrix.inFeatures());
        int next = matrix.set(kernel, 5);
        kernel.set(next, first / IntForm.TILE).set(next + 1, count);
        int warps = BLOCK / 32;
        kernel.launch((IntForm.steps(matrix.inFeatures()) + warps - 1) / warps, Rows.gridY(IntForm.tiles(count)));
    }

    static long permutedBytes(int maxRows, int inFeatures) {
        return 2L * maxRows * inFeatures;
    }

    /** Takes the memory for permuted inputs; graphs know its address, so it stays when it is large enough. */
    void reservePermuted(long numBytes) {
        if (permuted == null || permuted.numBytes() < numBytes) {
            if (permuted != null) {
                permuted.close();
            }
            permuted = DeviceMemory.allocate("inputs in a matrix' order", numBytes);
        }
    }

    /** Device address of x with its columns in the matrix' order, rows of inFeatures. */
    long permute(IntMatrix matrix, long x, int xStride, int rows) {
        int columns = matrix.inFeatures();
        if (permuted == null || permutedBytes(rows, columns) > permuted.numBytes()) {
            throw new IllegalStateException("no room for " + rows + " inputs of " + columns + " in a matrix' order");
        }
        permute.set(0, permuted.address()).set(1, x).set(2, matrix.order());
        permute.set(3, columns).set(4, columns).set(5, xStride).set(6, rows);
        permute.launch(Rows.gridX(columns, ROW_BLOCK), Rows.gridY(rows));
        return permuted.address();
    }

    @Override
    public void close() {
        if (expanded != null) {
            expanded.close();
        }
        if (permuted != null) {
            permuted.close();
        }
    }
}
