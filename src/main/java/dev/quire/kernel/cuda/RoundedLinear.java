package dev.quire.kernel.cuda;

import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.DType;

/**
 * A matrix whose products take bf16, its input rounded first: to codes and back, {@code x' = (q − zero) · scale}, in bf16. For
 * what no product of codes computes.
 */
record RoundedLinear(CudaLinear matrix, ActivationScheme activations, RoundTrip roundTrip) implements CudaLinear {
    @Override
    public int outFeatures() {
        return matrix.outFeatures();
    }

    @Override
    public int inFeatures() {
        return matrix.inFeatures();
    }

    @Override
    public long weightBytes() {
        return matrix.weightBytes();
    }

    @Override
    public void multiply(long x, int xStride, long out, int outStride, DType outType, int rows) {
        int padded = MeasuredProducts.paddedRows(rows);
        long rounded = roundTrip.run(activations, x, xStride, matrix.inFeatures(), rows, padded);
        matrix.multiply(rounded, matrix.inFeatures(), out, outStride, outType, rows);
    }

    @Override
    public String describe(int rows) {
        return "rounded, " + matrix.describe(rows);
    }
}
