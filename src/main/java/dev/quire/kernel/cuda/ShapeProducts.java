package dev.quire.kernel.cuda;

import dev.quire.kernel.cuda.MeasuredProducts.Way;
import dev.quire.tensor.DType;
import java.util.ArrayList;
import java.util.List;

/** The bf16 products of one weight shape: cuBLASLt's, and for few rows the own matrix-vector kernel's. */
final class ShapeProducts {
    private final CublasLt blas;
    private final Gemv gemv;
    private final int outFeatures;
    private final int inFeatures;
    private final MeasuredProducts<Bf16Linear> products;

    ShapeProducts(CublasLt blas, Gemv gemv, ProductTimer timer, int outFeatures, int inFeatures) {
        this.blas = blas;
        this.gemv = gemv;
        this.outFeatures = outFeatures;
        this.inFeatures = inFeatures;
        products = new MeasuredProducts<>(timer, this::find);
    }

    /** {@link MeasuredProducts#paddedRows}. */
    static int paddedRows(int rows) {
        return MeasuredProducts.paddedRows(rows);
    }

    void run(Bf16Linear weight, long x, int xStride, long out, int outStride, DType outType, int rows) {
        products.run(weight, weight.biasBf16() != 0, x, xStride, out, outStride, outType, rows);
    }

    private List<Way<Bf16Linear>> find(Bf16Linear weight, ProductUse use, int rows) {
        List<Way<Bf16Linear>> ways = new ArrayList<>();
        CublasLt.Spec spec = new CublasLt.Spec(CublasLt.Format.BF16, rows, outFeatures, inFeatures, use);
        ways.add(new ByCublasLt(blas.product(spec), CublasLt.isBiasInFloats(spec)));
        if (gemv.fits(weight, use.xStride(), rows)) {
            ways.add(new ByGemv(gemv, use));
        }
        return ways;
    }

    private record ByCublasLt(CublasLt.Product product, boolean floatBias) implements Way<Bf16Linear> {
        @Override
        public void run(Bf16Linear weight, long x, long out, int rows) {
            product.run(weight.weights(), floatBias ? weight.bias() : weight.biasBf16(), x, out);
        }

        @Override
        public double micros(ProductTimer timer, Bf16Linear weight, long x, long out, int rows) {
            return product.chooseBest(timer, () -> run(weight, x, out, rows));
        }

        @Override
        public String name() {
            return "cublasLt#" + product.chosen();
        }

        @Override
        public void close() {
            product.close();
        }
    }

    private record ByGemv(Gemv gemv, ProductUse use) implements Way<Bf16Linear> {
        @Override
        public void run(Bf16Linear weight, long x, long out, int rows) {
            gemv.run(weight, x, use.xStride(), out, use.outStride(), use.outType(), rows);
        }

        @Override
        public String name() {
            return "gemv";
        }
    }

    /** What was chosen for so many rows in the use that came up last, for the log. */
    String describe(int rows) {
        return products.describe(rows);
    }
}
