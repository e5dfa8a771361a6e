package dev.quire.kernel.cuda;

import dev.quire.tensor.DType;

/**
 * One use of a matrix' shape in a model: where rows of operands begin. A model has one use of most shapes, two of few.
 *
 * @param xStride elements from row to row of the input
 * @param outStride elements from row to row of the result
 * @param outType BF16 or F32
 * @param hasBias whether a bias is added
 * @param outAlignment of the result's address, see {@link CublasLt#alignment}
 */
record ProductUse(int xStride, int outStride, DType outType, boolean hasBias, int outAlignment) {
    boolean is(int x, int out, DType type, boolean bias, int alignment) {
        return xStride == x && outStride == out && outType == type && hasBias == bias && outAlignment == alignment;
    }
}
