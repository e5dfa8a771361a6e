package dev.quire.kernel.cuda;

import static dev.quire.kernel.cuda.CudaArena.address;

import dev.quire.kernel.ActivationKernels;
import dev.quire.tensor.Tensor;

/** {@code activation.cu}. */
final class CudaActivation implements ActivationKernels {
    private static final int BLOCK = 128;

    private final KernelLaunch silu;
    private final KernelLaunch gelu;

    CudaActivation(KernelFactory kernels) {
        silu = kernels.kernel("silu_mul_bf16", BLOCK, 4);
        gelu = kernels.kernel("gelu_tanh_mul_bf16", BLOCK, 4);
    }

    @Override
    public void gatedMultiply(Tensor out, Tensor gateUp, Gate gate, int ffn, int numRows) {
        KernelLaunch kernel = gate == Gate.SILU ? silu : gelu;
        kernel.set(0, address(out)).set(1, address(gateUp)).set(2, ffn).set(3, numRows);
        kernel.launch(Rows.gridX(ffn, BLOCK), Rows.gridY(numRows));
    }
}
