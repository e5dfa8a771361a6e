package dev.quire.kernel.cuda;

import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.DType;

/** A matrix of 8-bit codes, its input rounded to codes too unless the scheme says otherwise. */
final class CodesLinear implements CudaLinear {
    private final CodesMatrix matrix;
    private final ActivationScheme activations;
    private final CodesKernels.Family kernels;
    private final ActivationRounding rounding;
    private final RoundingScratch scratch;
    private final MeasuredProducts<CodesLinear> products;

    /** @param products of this shape, form and scheme, shared by all matrices of it */
    CodesLinear(
            CodesMatrix matrix,
            ActivationScheme activations,
            CodesKernels.Family kernels,
            ActivationRounding rounding,
            RoundingScratch scratch,
            MeasuredProducts<CodesLinear> products) {
        this.matrix = matrix;
        this.activations = activations;
        this.kernels = kernels;
        this.rounding = rounding;
        this.scratch = scratch;
        this.products = products;
    }

    CodesMatrix matrix() {
        return matrix;
    }

    CodesKernels.Family kernels() {
        return kernels;
    }

    boolean isRounded() {
        return activations.kind() != ActivationScheme.Kind.NONE;
    }

    /** Device address of the rounded input's scales, or 0 when it is not rounded. */
    long inputScales() {
        return isRounded() ? scratch.scales() : 0;
    }

    /** From group to group of the input's scales, when a product computes so many rows; 0 when a row has one scale. */
    int inputScaleStride(int paddedRows) {
        return ActivationRounding.isGrouped(activations) ? paddedRows : 0;
    }

    /** Device address of the input rows' zero points, or 0. */
    long inputZeros() {
        return matrix.sums() == 0 ? 0 : scratch.zeros();
    }

    /** Device address of unscaled sums. */
    long sums() {
        return scratch.sums();
    }

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
        return (long) matrix.outFeatures() * matrix.inStride();
    }

    @Override
    public void multiply(long x, int xStride, long out, int outStride, DType outType, int rows) {
        boolean hasBias = matrix.biasBf16() != 0;
        if (isRounded()) {
            int padded = MeasuredProducts.paddedRows(rows);
            rounding.round(activations, x, xStride, matrix.inFeatures(), rows, padded);
            products.run(this, hasBias, scratch.codes(padded), matrix.inStride(), out, outStride, outType, rows);
        } else {
            products.run(this, hasBias, x, xStride, out, outStride, outType, rows);
        }
    }

    @Override
    public String describe(int rows) {
        return products.describe(rows);
    }
}
