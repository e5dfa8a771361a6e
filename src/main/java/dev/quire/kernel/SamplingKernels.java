package dev.quire.kernel;

import dev.quire.tensor.Tensor;

/** Logits to token ids. */
public interface SamplingKernels {
    /**
     * Draws one id a row. Order: raw log-probabilities are taken first; then allowed ids, banned ids, bias; repetition,
     * frequency, presence penalty; token mask; then argmax (ties: lowest id) for temperature 0, else temperature, min-p,
     * top-k, top-p, and one draw that depends only on the row's logits, seed and counter.
     *
     * @param logits f32 [≥ numRows, vocabSize]; destroyed
     * @param vocabSize columns in use
     */
    void sample(Tensor logits, int vocabSize, SamplingBatch batch, SampledTokens out);

    /**
     * Raw log-probabilities of given tokens (prompt log-probabilities).
     *
     * @param targets the token whose log-probability each row reports as {@code out.logprobs}, {@code out.ranks}
     * @param numTop best ids to report a row
     */
    void logprobs(Tensor logits, int vocabSize, int[] targets, int numTop, int numRows, SampledTokens out);
}
