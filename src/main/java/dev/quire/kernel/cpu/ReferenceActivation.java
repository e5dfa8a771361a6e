package dev.quire.kernel.cpu;

import dev.quire.kernel.ActivationKernels;
import dev.quire.tensor.Tensor;

/** Plain gated activations, in double. */
final class ReferenceActivation implements ActivationKernels {
    private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

    @Override
    public void gatedMultiply(Tensor out, Tensor gateUp, Gate gate, int ffn, int numRows) {
        for (int i = 0; i < numRows; i++) {
            int from = (int) gateUp.offset() + i * gateUp.rowStride();
            int to = (int) out.offset() + i * out.rowStride();
            for (int j = 0; j < ffn; j++) {
                double activated = activate(gateUp.floats()[from + j], gate);
                out.floats()[to + j] = (float) activated * gateUp.floats()[from + ffn + j];
            }
        }
    }

    static double activate(double x, Gate gate) {
        return switch (gate) {
            case SILU -> x / (1 + Math.exp(-x));
            case GELU_TANH -> 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x)));
        };
    }
}
