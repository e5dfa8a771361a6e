package dev.quire.kernel.cuda;

import dev.quire.kernel.cuda.CublasLt.Product;
import dev.quire.tensor.DType;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The products of one weight shape, one for each padded number of rows, made when first needed and kept: cuBLASLt's
 * candidates are measured once (up to {@link #MAX_MEASURED_ROWS} rows at each size, beyond at powers of two), and for few
 * rows the own matrix-vector kernel is measured against them.
 */
final class ShapeProducts {
    private static final int MAX_MEASURED_ROWS = 512;
    private static final int GEMV_ROWS = 8;

    /** What makes one product differ from another of the same shape. */
    private record Key(int rows, int xStride, int outStride, DType outType, long bias) {}

    /** Rows → what runs them; for matrices without bias an array look-up, which is what the step path does. */
    private static final class Table {
        final int xStride;
        final int outStride;
        final DType outType;
        final @Nullable Choice[] byRows;

        Table(int xStride, int outStride, DType outType, int maxRows) {
            this.xStride = xStride;
            this.outStride = outStride;
            this.outType = outType;
            byRows = new Choice[maxRows + 1];
        }
    }

    /** @param product null: the matrix-vector kernel */
    private record Choice(@Nullable Product product) {}

    private static final Choice GEMV = new Choice(null);

    private final CublasLt blas;
    private final Gemv gemv;
    private final ProductTimer timer;
    private final int outFeatures;
    private final int inFeatures;
    private final Map<Key, Choice> choices = new HashMap<>();
    private @Nullable Table last;

    ShapeProducts(CublasLt blas, Gemv gemv, ProductTimer timer, int outFeatures, int inFeatures) {
        this.blas = blas;
        this.gemv = gemv;
        this.timer = timer;
        this.outFeatures = outFeatures;
        this.inFeatures = inFeatures;
    }

    /**
     * Rows that are computed for {@code rows} asked: few distinct numbers, so that few products are made and measured.
     */
    static int paddedRows(int rows) {
        if (rows <= GEMV_ROWS) {
            return rows;
        }
        int unit = rows <= 32 ? 16 : rows <= 512 ? 32 : rows <= 2048 ? 128 : 256;
        return (rows + unit - 1) / unit * unit;
    }

    void run(CudaLinear weight, long x, int xStride, long out, int outStride, DType outType, int rows) {
        Choice choice = choice(weight, x, xStride, out, outStride, outType, rows);
        Product product = choice.product;
        if (product == null) {
            gemv.run(weight, x, xStride, out, outStride, outType, rows);
        } else {
            product.run(weight.weights(), x, out);
        }
    }

    private Choice choice(CudaLinear weight, long x, int xStride, long out, int outStride, DType outType, int rows) {
        int padded = paddedRows(rows);
        if (weight.biasBf16() != 0) {
            // A product holds its bias, so matrices with one do not share.
            Key key = new Key(padded, xStride, outStride, outType, weight.biasBf16());
            Choice known = choices.get(key);
            if (known == null) {
                known = choose(weight, x, xStride, out, outStride, outType, padded);
                choices.put(key, known);
            }
            return known;
        }
        Table table = last;
        if (table == null
                || table.xStride != xStride
                || table.outStride != outStride
                || table.outType != outType
                || table.byRows.length <= padded) {
            table = new Table(xStride, outStride, outType, Math.max(padded, 8192));
            last = table;
        }
        Choice known = table.byRows[padded];
        if (known == null) {
            known = choose(weight, x, xStride, out, outStride, outType, padded);
            table.byRows[padded] = known;
        }
        return known;
    }

    private Choice choose(CudaLinear weight, long x, int xStride, long out, int outStride, DType outType, int rows) {
        Product product =
                blas.new Product(rows, outFeatures, inFeatures, xStride, outStride, outType, weight.biasBf16());
        boolean measured = rows <= MAX_MEASURED_ROWS || Integer.bitCount(rows) == 1;
        if (!measured || !timer.isAllowed()) {
            return new Choice(product);
        }
        double best = Double.POSITIVE_INFINITY;
        int bestCandidate = 0;
        for (int i = 0; i < product.numCandidates(); i++) {
            product.choose(i);
            double micros = timer.micros(() -> product.run(weight.weights(), x, out));
            if (micros < best) {
                best = micros;
                bestCandidate = i;
            }
        }
        product.choose(bestCandidate);
        if (rows <= GEMV_ROWS && gemv.fits(weight, xStride, rows)) {
            double micros = timer.micros(() -> gemv.run(weight, x, xStride, out, outStride, outType, rows));
            if (micros <= best) {
                product.close();
                return GEMV;
            }
        }
        return new Choice(product);
    }

    /** What was chosen for so many rows, for the log. */
    String describe(int rows) {
        Table table = last;
        Choice choice = table == null ? null : table.byRows[paddedRows(rows)];
        if (choice == null) {
            return "not used yet";
        }
        Product product = choice.product;
        return product == null ? "gemv" : "cublasLt#" + product.chosen();
    }
}
