package dev.quire.kernel;

import org.jspecify.annotations.Nullable;

/**
 * How each of S logit rows is to be sampled: structure of arrays, reused from step to step. Values are as
 * {@code request.SamplingParams} documents them; 0 temperature is greedy.
 */
public final class SamplingBatch {
    public int numRows;

    /** Slot of the row's sequence: where a device keeps the drawn id for the step that follows. */
    public final int[] slot;

    public final float[] temperature;
    public final float[] topP;
    public final int[] topK;
    public final float[] minP;
    public final float[] repetitionPenalty;
    public final float[] presencePenalty;
    public final float[] frequencyPenalty;
    /** Philox key of the row's request and sequence. */
    public final long[] seed;
    /** Philox counter: number of tokens generated before this one, so draws do not depend on the batch. */
    public final long[] counter;
    /** Prompt then generated tokens, for penalties; null when the row has none. The runner owns the array. */
    public final int[] @Nullable [] tokens;

    public final int[] numPromptTokens;
    /** Valid entries of {@link #tokens}. */
    public final int[] numTokens;
    /** Masked ids (end-of-sequence and stop ids before min_tokens), or null. */
    public final int[] @Nullable [] bannedIds;
    /** Only these ids may be drawn, or null. */
    public final int[] @Nullable [] allowedIds;

    public final int[] @Nullable [] biasIds;
    public final float[] @Nullable [] biases;
    /** Grammar: bit t of word t / 32 says token t may come next; null when free. */
    public final int[] @Nullable [] tokenMask;
    /** Top log-probabilities asked: -1 none, 0 only the sampled token's, MAX_VALUE all. */
    public final int[] numLogprobs;

    public SamplingBatch(int maxRows) {
        slot = new int[maxRows];
        temperature = new float[maxRows];
        topP = new float[maxRows];
        topK = new int[maxRows];
        minP = new float[maxRows];
        repetitionPenalty = new float[maxRows];
        presencePenalty = new float[maxRows];
        frequencyPenalty = new float[maxRows];
        seed = new long[maxRows];
        counter = new long[maxRows];
        tokens = new int[maxRows][];
        numPromptTokens = new int[maxRows];
        numTokens = new int[maxRows];
        bannedIds = new int[maxRows][];
        allowedIds = new int[maxRows][];
        biasIds = new int[maxRows][];
        biases = new float[maxRows][];
        tokenMask = new int[maxRows][];
        numLogprobs = new int[maxRows];
    }
}
