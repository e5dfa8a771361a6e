package dev.quire.kernel.cuda;

import dev.quire.kernel.Linear;
import dev.quire.tensor.DType;

/** A matrix on the device in one of several forms, each with its own products. */
interface CudaLinear extends Linear {
    /**
     * out[i, :] = x[i, :] · Wᵀ + bias.
     *
     * @param x device address of bf16 rows of xStride elements
     * @param out device address of rows of outStride elements of {@code outType}: BF16 or F32
     * @param rows how many; padded rows behind them ({@link CudaBackend#paddedRows}) may be computed too
     */
    void multiply(long x, int xStride, long out, int outStride, DType outType, int rows);

    /** For the log: how the product runs at so many rows. */
    String describe(int rows);
}
