package dev.quire.kernel.cuda;

import dev.quire.tensor.DType;

/** {@code gemm_invariant.cu}: a row of the result has the same bits alone and in any batch. */
final class InvariantGemm {
    InvariantGemm(KernelFactory kernels) {}

    void run(CudaLinear weight, long x, int xStride, long out, int outStride, DType outType, int rows) {
        throw new IllegalStateException("no kernel");
    }
}
