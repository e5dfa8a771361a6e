package dev.quire.kernel.cuda;

import dev.quire.tensor.DType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A matrix of integers [outFeatures, inFeatures] on the device.
 *
 * @param bias device address of f32 [outFeatures], or 0
 * @param pieces the matrix as bf16, as many rows at a time as the scratch memory holds, all at its beginning
 * @param products what computes how many rows, shared by all matrices of this shape and form
 * @param invariant what computes all products where a row's bits must not depend on the batch, else null
 */
record IntLinear(
        IntMatrix matrix,
        long bias,
        List<Bf16Linear> pieces,
        MeasuredProducts<IntLinear> products,
        IntScratch scratch,
        @Nullable Invariant invariant)
        implements CudaLinear {
    IntLinear {
        pieces = List.copyOf(pieces);
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
        return matrix.numBytes();
    }

    @Override
    public void multiply(long x, int xStride, long out, int outStride, DType outType, int rows) {
        long input = x;
        int stride = xStride;
        if (matrix.order() != 0) {
            input = scratch.permute(matrix, x, xStride, MeasuredProducts.paddedRows(rows));
            stride = matrix.inFeatures();
        }
        if (invariant != null) {
            invariant.run(this, input, stride, out, outStride, outType, rows);
        } else {
            products.run(this, bias != 0, input, stride, out, outStride, outType, rows);
        }
    }

    /** One kernel for all numbers of rows: its order of sums is always the same. */
    record Invariant(IntGemm gemm) {
        void run(IntLinear weight, long x, int xStride, long out, int outStride, DType outType, int rows) {
            if (gemm.fits(weight.matrix, IntGemm.Tile.M128, xStride)) {
                gemm.run(IntGemm.Tile.M128, weight.matrix, weight.bias, x, xStride, out, outStride, outType, rows);
            } else {
                weight.multiplyPieces(x, xStride, out, outStride, outType, rows);
            }
        }
    }

    /** Through bf16. */
    void multiplyPieces(long x, int xStride, long out, int outStride, DType outType, int rows) {
        int first = 0;
        for (int i = 0; i < pieces.size(); i++) {
            Bf16Linear piece = pieces.get(i);
            scratch.expand(matrix, first, piece.outFeatures());
            piece.multiply(x, xStride, out + (long) first * outType.sizeBytes(), outStride, outType, rows);
            first += piece.outFeatures();
        }
    }

    @Override
    public String describe(int rows) {
        return "int" + matrix.form().bits() + " " + (invariant != null ? "invariant" : products.describe(rows));
    }
}
