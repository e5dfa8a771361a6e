package dev.quire.kernel;

import dev.quire.tensor.Tensor;

/**
 * Logits to token ids; equal logits give equal ids on every backend.
 *
 * <p>For that, all sums are of integers: the weight of a token is round(exp((x - max) · (1 / temperature)) · 2^34), ties
 * to even, with exp in f32 by the operations of {@code kernel.cpu.Exponential}; where the maximum is infinite, 1 · 2^34
 * for infinite logits and 0 for others. min_p keeps weights ≥ min_p · 2^34; top_k the k largest logits and all that equal
 * the k-th; top_p the smallest set of best tokens, ties by lower id, with a sum ≥ top_p · total (in f64). The draw:
 * target = floor(b / 2^64 · total) with b the first 64 bits of Philox4x32-10 under key {@code seed} and counter
 * {@code counter} (low words first); the id is the first, in order of ids, at which the running sum exceeds the target.
 */
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
