package dev.quire.kernel.cuda;

import dev.quire.kernel.Linear;

/**
 * A matrix bf16 [outFeatures, inFeatures] on the device.
 *
 * @param weights device address
 * @param bias device address of f32 [outFeatures], or 0
 * @param biasBf16 the same in bf16, or 0
 * @param products the tuned products of this shape, shared by all matrices of it
 */
record CudaLinear(int outFeatures, int inFeatures, long weights, long bias, long biasBf16, ShapeProducts products)
        implements Linear {
    @Override
    public long weightBytes() {
        return 2L * outFeatures * inFeatures;
    }
}
