package dev.quire.kernel;

import dev.quire.tensor.Tensor;

/** Causal attention over the paged cache, for prefill chunks and decode rows in one call. */
public interface AttentionKernels {
    /** Says, while a model is loaded, that its layers attend like this: a backend may plan its steps by it. */
    default void announce(AttentionParams params) {}

    /**
     * out[i, h · headDim …] = softmax(scale · q[i, h] · K) · V over the keys of row i's sequence at positions up to its
     * own (Dao et al., 2022; Kwon et al., 2023). K and V of this step are already written.
     *
     * @param out [≥ numTokens, numHeads · headDim]; its row stride may be larger
     * @param qkv packed projection; q's heads start at column 0
     */
    void attend(
            Tensor out, Tensor qkv, PagedKvCache cache, int layer, AttentionParams params, AttentionMetadata metadata);
}
