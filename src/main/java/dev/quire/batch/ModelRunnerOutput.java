package dev.quire.batch;

import dev.quire.request.TokenLogprobs;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What came out of one step: one sampled id per sampling row, in row order. Reused from step to step. */
public final class ModelRunnerOutput {
    /** A sampled id that says: this row's logits held NaN or nothing could be drawn. */
    public static final int INVALID_TOKEN = -1;

    private final int[] sampledIds;
    private final @Nullable TokenLogprobs[] logprobs;
    private final @Nullable List<TokenLogprobs>[] promptLogprobs;

    @SuppressWarnings("unchecked")
    public ModelRunnerOutput(int maxNumSeqs) {
        sampledIds = new int[maxNumSeqs];
        logprobs = new TokenLogprobs[maxNumSeqs];
        promptLogprobs = new List[maxNumSeqs];
    }

    /** Sets the id of order row {@code row}. */
    public void set(int row, int sampledId, @Nullable TokenLogprobs tokenLogprobs) {
        sampledIds[row] = sampledId;
        logprobs[row] = tokenLogprobs;
    }

    /** Sampled id of order row {@code row}; meaningful only where that row samples. */
    public int sampledId(int row) {
        return sampledIds[row];
    }

    public @Nullable TokenLogprobs logprobs(int row) {
        return logprobs[row];
    }

    /** Log-probabilities of the prompt tokens at positions (firstPosition, firstPosition + numScheduledTokens]. */
    public void setPromptLogprobs(int row, @Nullable List<TokenLogprobs> positions) {
        promptLogprobs[row] = positions;
    }

    public @Nullable List<TokenLogprobs> promptLogprobs(int row) {
        return promptLogprobs[row];
    }
}
