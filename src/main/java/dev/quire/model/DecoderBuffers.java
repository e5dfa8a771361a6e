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
        DType residual = backend.residualType();
        int hidden = c.hiddenSize();
        long tokens = backend.paddedRows(maxTokens);
        long sampled = backend.paddedRows(maxLogitRows);
        return new DecoderBuffers(
                arena.allocate("residual", residual, tokens, hidden),
                arena.allocate("hidden", type, tokens, hidden),
                arena.allocate("qkv", type, tokens, c.queryWidth() + 2L * c.keyWidth()),
                arena.allocate("attention", type, tokens, c.queryWidth()),
                arena.allocate("gate_up", type, tokens, 2L * c.ffnSize()),
                arena.allocate("activated", type, tokens, c.ffnSize()),
                arena.allocate("sampled_residual", residual, sampled, hidden),
                arena.allocate("sampled_hidden", type, sampled, hidden),
                arena.allocate("logits", DType.F32, sampled, c.vocabSize()));
    }

    /** Bytes that {@link #allocate} will take, and the backend's own scratch for the products. */
    static long bytes(Backend backend, ModelConfig c, int maxTokens, int maxLogitRows) {
        int element = backend.activationType().sizeBytes();
        int residual = backend.residualType().sizeBytes() * c.hiddenSize();
        long columns = c.hiddenSize() + 2L * c.queryWidth() + 2L * c.keyWidth() + 3L * c.ffnSize();
        long perToken = residual + columns * element;
        long perLogitRow = residual + (long) c.hiddenSize() * element + 4L * c.vocabSize();
        int maxIn = Math.max(c.hiddenSize(), Math.max(c.queryWidth(), c.ffnSize()));
        int maxOut = Math.max(Math.max(2 * c.ffnSize(), c.queryWidth() + 2 * c.keyWidth()), c.hiddenSize());
        return backend.paddedRows(maxTokens) * perToken
                + backend.paddedRows(maxLogitRows) * perLogitRow
                + backend.gemm().scratchBytes(maxTokens, maxIn, maxOut);
    }
}
