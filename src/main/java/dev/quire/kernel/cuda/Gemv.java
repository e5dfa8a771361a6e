package dev.quire.kernel.cuda;

import dev.quire.tensor.DType;

/** {@code gemv.cu}: the product with few rows, bounded by reading the weights. */
final class Gemv {
    Gemv(KernelFactory kernels) {}

    boolean fits(CudaLinear weight, int rows) {
        return false;
    }

    void run(CudaLinear weight, long x, int xStride, long out, int outStride, DType outType, int rows) {
        throw new IllegalStateException("no kernel");
    }
}
