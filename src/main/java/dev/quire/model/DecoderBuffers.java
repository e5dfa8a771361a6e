package dev.quire.model;

import dev.quire.kernel.Backend;
import dev.quire.tensor.Arena;
import dev.quire.tensor.DType;
import dev.quire.tensor.Tensor;

/**
 * The activations of one step, allocated once for the largest: T rows of tokens, S rows of logits.
 *
 * @param residual [T, H] the residual stream
 * @param hidden [T, H] normalised input of a block, then its output
 * @param qkv [T, (heads + 2 · kvHeads) · headDim]
 * @param attention [T, heads · headDim]
 * @param gateUp [T, 2F]
 * @param activated [T, F]
 * @param sampledResidual [S, H]
 * @param sampledHidden [S, H]
 * @param logits f32 [S, V]
 */
record DecoderBuffers(
        Tensor residual,
        Tensor hidden,
        Tensor qkv,
        Tensor attention,
        Tensor gateUp,
        Tensor activated,
        Tensor sampledResidual,
        Tensor sampledHidden,
        Tensor logits) {

    static DecoderBuffers allocate(Backend backend, Arena arena, ModelConfig c, int maxTokens, int maxLogitRows) {
        DType type = backend.activationType();
        int hidden = c.hiddenSize();
        return new DecoderBuffers(
                arena.allocate("residual", type, maxTokens, hidden),
                arena.allocate("hidden", type, maxTokens, hidden),
                arena.allocate("qkv", type, maxTokens, c.queryWidth() + 2L * c.keyWidth()),
                arena.allocate("attention", type, maxTokens, c.queryWidth()),
                arena.allocate("gate_up", type, maxTokens, 2L * c.ffnSize()),
                arena.allocate("activated", type, maxTokens, c.ffnSize()),
                arena.allocate("sampled_residual", type, maxLogitRows, hidden),
                arena.allocate("sampled_hidden", type, maxLogitRows, hidden),
                arena.allocate("logits", DType.F32, maxLogitRows, c.vocabSize()));
    }

    /** Bytes that {@link #allocate} will take, and the backend's own scratch for the products. */
    static long bytes(Backend backend, ModelConfig c, int maxTokens, int maxLogitRows) {
        long perToken = 2L * c.hiddenSize() + c.queryWidth() + 2L * c.keyWidth() + c.queryWidth() + 3L * c.ffnSize();
        long perLogitRow = 2L * c.hiddenSize() * backend.activationType().sizeBytes() + 4L * c.vocabSize();
        int maxIn = Math.max(c.hiddenSize(), Math.max(c.queryWidth(), c.ffnSize()));
        int maxOut = Math.max(Math.max(2 * c.ffnSize(), c.queryWidth() + 2 * c.keyWidth()), c.hiddenSize());
        return maxTokens * perToken * backend.activationType().sizeBytes()
                + maxLogitRows * perLogitRow
                + backend.gemm().scratchBytes(maxTokens, maxIn, maxOut);
    }
}
