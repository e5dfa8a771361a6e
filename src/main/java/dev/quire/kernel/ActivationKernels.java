package dev.quire.kernel;

import dev.quire.tensor.Tensor;

/** Gated activations of the MLP, and the soft cap of logits. */
public interface ActivationKernels {
    enum Gate {
        SILU,
        GELU_TANH
    }

    /**
     * out[i, j] = act(gateUp[i, j]) · gateUp[i, ffn + j], i in [0, numRows), j in [0, ffn).
     *
     * @param gateUp [≥ numRows, 2 · ffn], gate first
     * @param out [≥ numRows, ffn]
     */
    void gatedMultiply(Tensor out, Tensor gateUp, Gate gate, int ffn, int numRows);

    /**
     * x = cap · tanh(x / cap), element by element.
     *
     * @param x f32 [≥ numRows, …], in place
     */
    void softCap(Tensor x, float cap, int numRows);
}
