package dev.quire.kernel.cuda;

import dev.quire.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * A matrix bf16 [outFeatures, inFeatures] on the device.
 *
 * @param weights device address
 * @param bias device address of f32 [outFeatures], or 0
 * @param biasBf16 the same in bf16, or 0
 * @param products the tuned products of this shape, shared by all matrices of it
 * @param invariant what computes all products where a row's bits must not depend on the batch, else null
 */
record Bf16Linear(
        int outFeatures,
        int inFeatures,
        long weights,
        long bias,
        long biasBf16,
        ShapeProducts products,
        @Nullable InvariantGemm invariant)
        implements CudaLinear {
    @Override
    public long weightBytes() {
        return 2L * outFeatures * inFeatures;
    }

    @Override
    public void multiply(long x, int xStride, long out, int outStride, DType outType, int rows) {
        if (invariant != null) {
            invariant.run(this, x, xStride, out, outStride, outType, rows);
        } else {
            products.run(this, x, xStride, out, outStride, outType, rows);
        }
    }

    @Override
    public String describe(int rows) {
        return invariant != null ? "invariant" : products.describe(rows);
    }
}
