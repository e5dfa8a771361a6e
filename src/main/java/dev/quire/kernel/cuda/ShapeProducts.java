package dev.quire.kernel.cuda;

import dev.quire.kernel.cuda.CublasLt.Product;
import dev.quire.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The products of one weight shape, one for each padded number of rows, made when first needed and kept: cuBLASLt's
 * candidates are measured once (up to {@link #MAX_MEASURED_ROWS} rows at each size, beyond at powers of two), and for few
 * rows the own matrix-vector kernel is measured against them.
 */
final class ShapeProducts {
    private static final int MAX_MEASURED_ROWS = 512;
    private static final int GEMV_ROWS = 8;

    /** The products of one use of the shape: rows → what runs them. A model has one use of most shapes, two of few. */
    private static final class Use {
        private final int xStride;
        private final int outStride;
        private final DType outType;
        private final boolean hasBias;
        private final int outAlignment;
        private @Nullable Choice[] byRows = {};

        Use(int xStride, int outStride, DType outType, boolean hasBias, int outAlignment) {
            this.xStride = xStride;
            this.outStride = outStride;
            this.outType = outType;
            this.hasBias = hasBias;
            this.outAlignment = outAlignment;
        }

        boolean is(int x, int out, DType type, boolean bias, int alignment) {
            return xStride == x && outStride == out && outType == type && hasBias == bias && outAlignment == alignment;
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
    private final List<Use> uses = new ArrayList<>();

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

    void run(Bf16Linear weight, long x, int xStride, long out, int outStride, DType outType, int rows) {
        Use use = use(xStride, outStride, outType, weight.biasBf16() != 0, CublasLt.alignment(out));
        int padded = paddedRows(rows);
        if (use.byRows.length <= padded) {
            use.byRows = Arrays.copyOf(use.byRows, padded + 1);
        }
        Choice choice = use.byRows[padded];
        if (choice == null) {
            choice = choose(weight, x, xStride, out, outStride, outType, padded);
            use.byRows[padded] = choice;
        }
        Product product = choice.product;
        if (product == null) {
            gemv.run(weight, x, xStride, out, outStride, outType, rows);
        } else {
            product.run(weight.weights(), bias(weight, outType), x, out);
        }
    }

    /** cuBLASLt adds a bias of the result's type only. */
    private static long bias(Bf16Linear weight, DType outType) {
        return outType == DType.F32 ? weight.bias() : weight.biasBf16();
    }

    private Use use(int xStride, int outStride, DType outType, boolean hasBias, int outAlignment) {
        for (int i = 0; i < uses.size(); i++) {
            if (uses.get(i).is(xStride, outStride, outType, hasBias, outAlignment)) {
                return uses.get(i);
            }
        }
        Use use = new Use(xStride, outStride, outType, hasBias, outAlignment);
        uses.add(use);
        return use;
    }

    private Choice choose(Bf16Linear weight, long x, int xStride, long out, int outStride, DType outType, int rows) {
        Product product = blas
        .new Product(
                rows,
                outFeatures,
                inFeatures,
                xStride,
                outStride,
                outType,
                weight.biasBf16() != 0,
                CublasLt.alignment(out));
        boolean measured = rows <= MAX_MEASURED_ROWS || Integer.bitCount(rows) == 1;
        if (!measured || !timer.isAllowed()) {
            return new Choice(product);
        }
        double best = Double.POSITIVE_INFINITY;
        int bestCandidate = 0;
        for (int i = 0; i < product.numCandidates(); i++) {
            product.choose(i);
            double micros = timer.micros(() -> product.run(weight.weights(), bias(weight, outType), x, out));
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

    /** What was chosen for so many rows in the use that came up last, for the log. */
    String describe(int rows) {
        Use use = uses.isEmpty() ? null : uses.get(uses.size() - 1);
        int padded = paddedRows(rows);
        Choice choice = use == null || use.byRows.length <= padded ? null : use.byRows[padded];
        if (choice == null) {
            return "not used yet";
        }
        Product product = choice.product;
        return product == null ? "gemv" : "cublasLt#" + product.chosen();
    }
}
