package dev.quire.kernel.cuda;

import static dev.quire.kernel.cuda.CudaArena.address;

import dev.quire.kernel.ActivationKernels;
import dev.quire.tensor.Tensor;

/** {@code activation.cu}. */
final class CudaActivation implements ActivationKernels {
    private static final int BLOCK = 128;
    private static final int CAP_BLOCK = 256;
    private static final int MAX_CAP_BLOCKS = 2048;

    private final KernelLaunch silu;
    private final KernelLaunch gelu;
    private final KernelLaunch cap;

    CudaActivation(KernelFactory kernels) {
        silu = kernels.kernel("silu_mul_bf16", BLOCK, 4);
        gelu = kernels.kernel("gelu_tanh_mul_bf16", BLOCK, 4);
        cap = kernels.kernel("soft_cap_f32", CAP_BLOCK, 3);
    }

    @Override
    public void softCap(Tensor x, float limit, int numRows) {
        long count = (long) numRows * x.rowStride();
        cap.set(0, address(x)).set(1, limit).set(2, count);
        cap.launch((int) Math.min(MAX_CAP_BLOCKS, count / CAP_BLOCK + 1));
    }

    @Override
    public void gatedMultiply(Tensor out, Tensor gateUp, Gate gate, int ffn, int numRows) {
        KernelLaunch kernel = gate == Gate.SILU ? silu : gelu;
        kernel.set(0, address(out)).set(1, address(gateUp)).set(2, ffn).set(3, numRows);
        kernel.launch(Rows.gridX(ffn, BLOCK), Rows.gridY(numRows));
    }
}
