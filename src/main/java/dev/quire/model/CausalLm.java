package dev.quire.model;

import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.PagedKvCache;
import dev.quire.tensor.Tensor;

/** Token ids, positions, metadata → logits of the rows asked for. */
public interface CausalLm extends AutoCloseable {
    int vocabSize();

    /** Bytes of weights that one decode step reads: the bound of memory-bound decoding. */
    long weightBytesPerStep();

    /**
     * Computes all layers for the step's rows and writes their K and V.
     *
     * @param tokenIds ids of the rows, {@code metadata.numTokens} of them
     */
    void forward(int[] tokenIds, AttentionMetadata metadata, PagedKvCache cache);

    /**
     * Logits f32 [≥ numRows, vocabSize] of some rows of the last {@link #forward}; valid until the next call.
     *
     * @param rows row indices in that step
     * @param numRows at most the {@code maxLogitRows} the model was built for
     */
    Tensor logits(int[] rows, int numRows);

    @Override
    void close();
}
