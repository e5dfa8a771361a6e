package dev.quire.kernel;

import org.jspecify.annotations.Nullable;

/** What came out for each logit row; reused from step to step. */
public final class SampledTokens {
    /** The drawn id; -1 when the row's logits held NaN or nothing could be drawn. */
    public final int[] ids;
    /** Raw log-probability and rank (1 = best) of the drawn id, where log-probabilities were asked. */
    public final float[] logprobs;

    public final int[] ranks;
    /** Best ids and their raw log-probabilities, best first; null where not asked. */
    public final int[] @Nullable [] topIds;

    public final float[] @Nullable [] topLogprobs;

    public SampledTokens(int maxRows) {
        ids = new int[maxRows];
        logprobs = new float[maxRows];
        ranks = new int[maxRows];
        topIds = new int[maxRows][];
        topLogprobs = new float[maxRows][];
    }
}
