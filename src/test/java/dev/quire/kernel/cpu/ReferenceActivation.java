package dev.quire.kernel.cpu;

import dev.quire.kernel.ActivationKernels;
import dev.quire.tensor.Tensor;

/** Plain gated activations, in double. */
final class ReferenceActivation implements ActivationKernels {
    @Override
    public void gatedMultiply(Tensor out, Tensor gateUp, Gate gate, int ffn, int numRows) {
        for (int i = 0; i < numRows; i++) {
            int from = (int) gateUp.offset() + i * gateUp.rowStride();
            int to = (int) out.offset() + i * out.rowStride();
            for (int j = 0; j < ffn; j++) {
                double activated = Gates.exact(gateUp.floats()[from + j], gate);
                out.floats()[to + j] = (float) activated * gateUp.floats()[from + ffn + j];
            }
        }
    }

    @Override
    public void softCap(Tensor x, float cap, int numRows) {
        for (int i = 0; i < numRows * x.rowStride(); i++) {
            int at = (int) x.offset() + i;
            x.floats()[at] = (float) (cap * Math.tanh((double) x.floats()[at] / cap));
        }
    }
}
