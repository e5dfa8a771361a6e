package dev.quire.kernel.cuda;

import dev.quire.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The products of one weight shape, one for each padded number of rows, chosen when first needed and kept: what can compute it
 * is measured once (up to {@link #MAX_MEASURED_ROWS} rows at each size, beyond at powers of two).
 *
 * @param <W> the matrices, all of this shape and form
 */
final class MeasuredProducts<W> {
    /** From here on few sizes are measured. */
    static final int MAX_MEASURED_ROWS = 512;

    /** Up to here every number of rows has a product of its own. */
    static final int EXACT_ROWS = 8;

    /** One way to compute a product of a given number of rows in one use. */
    interface Way<W> {
        /** @param rows that were asked, of the padded number this was made for; a way may compute all of those */
        void run(W weight, long x, long out, int rows);

        /** Short, for the log. */
        String name();

        /** Microseconds of one run; a way that has variants keeps its best. */
        default double micros(ProductTimer timer, W weight, long x, long out, int rows) {
            return timer.micros(() -> run(weight, x, out, rows));
        }

        /** Called on ways that were not chosen. */
        default void close() {}
    }

    /** Finds the ways. */
    interface Ways<W> {
        /** At least one; the first is taken where nothing is measured. */
        List<Way<W>> find(W weight, ProductUse use, int paddedRows);
    }

    private static final class Table<W> {
        private final ProductUse use;
        private @Nullable Way<W>[] byRows = newWays(0);

        Table(ProductUse use) {
            this.use = use;
        }

        @SuppressWarnings({"unchecked", "rawtypes"})
        private static <W> @Nullable Way<W>[] newWays(int count) {
            return new Way[count];
        }
    }

    private final ProductTimer timer;
    private final Ways<W> ways;
    private final List<Table<W>> tables = new ArrayList<>();

    MeasuredProducts(ProductTimer timer, Ways<W> ways) {
        this.timer = timer;
        this.ways = ways;
    }

    /**
     * Rows that are computed for {@code rows} asked: few distinct numbers, so that few products are made and measured.
     */
    static int paddedRows(int rows) {
        if (rows <= EXACT_ROWS) {
            return rows;
        }
        int unit = rows <= 32 ? 16 : rows <= 512 ? 32 : rows <= 2048 ? 128 : 256;
        return (rows + unit - 1) / unit * unit;
    }

    void run(W weight, boolean hasBias, long x, int xStride, long out, int outStride, DType outType, int rows) {
        Table<W> table = table(xStride, outStride, outType, hasBias, CublasLt.alignment(out));
        int padded = paddedRows(rows);
        if (table.byRows.length <= padded) {
            table.byRows = Arrays.copyOf(table.byRows, padded + 1);
        }
        Way<W> way = table.byRows[padded];
        if (way == null) {
            way = choose(weight, table.use, x, out, padded);
            table.byRows[padded] = way;
        }
        way.run(weight, x, out, rows);
    }

    private Table<W> table(int xStride, int outStride, DType outType, boolean hasBias, int outAlignment) {
        for (int i = 0; i < tables.size(); i++) {
            if (tables.get(i).use.is(xStride, outStride, outType, hasBias, outAlignment)) {
                return tables.get(i);
            }
        }
        Table<W> table = new Table<>(new ProductUse(xStride, outStride, outType, hasBias, outAlignment));
        tables.add(table);
        return table;
    }

    private Way<W> choose(W weight, ProductUse use, long x, long out, int rows) {
        List<Way<W>> candidates = ways.find(weight, use, rows);
        Way<W> best = candidates.get(0);
        boolean measured = rows <= MAX_MEASURED_ROWS || Integer.bitCount(rows) == 1;
        if (measured && timer.isAllowed()) {
            double least = Double.POSITIVE_INFINITY;
            for (Way<W> way : candidates) {
                double micros = way.micros(timer, weight, x, out, rows);
                if (micros < least) {
                    least = micros;
                    best = way;
                }
            }
        }
        for (Way<W> way : candidates) {
            if (way != best) {
                way.close();
            }
        }
        return best;
    }

    /** What was chosen for so many rows in the use that came up last, for the log. */
    String describe(int rows) {
        Table<W> table = tables.isEmpty() ? null : tables.get(tables.size() - 1);
        int padded = paddedRows(rows);
        Way<W> way = table == null || table.byRows.length <= padded ? null : table.byRows[padded];
        return way == null ? "not used yet" : way.name();
    }
}
