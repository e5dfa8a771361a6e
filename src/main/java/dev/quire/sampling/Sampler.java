package dev.quire.sampling;

import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;
import dev.quire.kernel.SamplingKernels;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenLogprobs;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Logits [S, V] and S parameter sets to S ids: same seed, same ids, whatever else is in the batch.
 *
 * <p>A step is {@link #begin}, one {@link #add} for each row of the logits in order, {@link #sample}; results are valid
 * once the device is done with the step, until the next {@link #begin}. Nothing is allocated unless log-probabilities are asked.
 */
public final class Sampler {
    private final SamplingKernels kernels;
    private final int maxRows;
    private final int vocabSize;
    private final SamplingBatch batch;
    private final SampledTokens sampled;

    /** @param vocabSize columns of the logits that are tokens */
    public Sampler(SamplingKernels kernels, int maxRows, int vocabSize) {
        this.kernels = kernels;
        this.maxRows = maxRows;
        this.vocabSize = vocabSize;
        batch = new SamplingBatch(maxRows);
        sampled = new SampledTokens(maxRows);
    }

    /** Starts a new step. */
    public void begin() {
        batch.numRows = 0;
    }

    /**
     * Adds the next row.
     *
     * @param slot of this sequence in the running batch
     * @param seed of this sequence; the draw depends on it and on the number of generated tokens
     * @param tokens prompt then generated tokens; read during {@link #sample} when {@code params} has penalties
     * @param numTokens valid entries of {@code tokens}
     * @param bannedIds masked ids, or null
     */
    public void add(
            SamplingParams params,
            int slot,
            long seed,
            int[] tokens,
            int numTokens,
            int numPromptTokens,
            int @Nullable [] bannedIds) {
        add(params, slot, seed, tokens, numTokens, numPromptTokens, bannedIds, null);
    }

    /**
     * Adds the next row, held to a grammar.
     *
     * @param tokenMask bit t of word t / 32 says token t may come next; null when free
     */
    public void add(
            SamplingParams params,
            int slot,
            long seed,
            int[] tokens,
            int numTokens,
            int numPromptTokens,
            int @Nullable [] bannedIds,
            int @Nullable [] tokenMask) {
        int row = batch.numRows;
        if (row == maxRows) {
            throw new IllegalStateException("more than " + maxRows + " rows to sample");
        }
        batch.numRows = row + 1;
        batch.slot[row] = slot;
        batch.temperature[row] = params.temperature();
        batch.topP[row] = params.topP();
        batch.topK[row] = params.topK();
        batch.minP[row] = params.minP();
        batch.repetitionPenalty[row] = params.repetitionPenalty();
        batch.presencePenalty[row] = params.presencePenalty();
        batch.frequencyPenalty[row] = params.frequencyPenalty();
        batch.seed[row] = seed;
        batch.counter[row] = numTokens - numPromptTokens;
        batch.tokens[row] = params.hasPenalties() ? tokens : null;
        batch.numTokens[row] = numTokens;
        batch.numPromptTokens[row] = numPromptTokens;
        batch.bannedIds[row] = bannedIds;
        batch.allowedIds[row] = params.allowedTokenIds().isEmpty()
                ? null
                : params.allowedTokenIds().sharedArray();
        boolean hasBias = params.logitBias().size() > 0;
        batch.biasIds[row] = hasBias ? params.logitBias().sharedIds() : null;
        batch.biases[row] = hasBias ? params.logitBias().sharedBiases() : null;
        batch.tokenMask[row] = tokenMask;
        batch.numLogprobs[row] = params.numLogprobs();
    }

    /**
     * Draws one id for each row added since {@link #begin}.
     *
     * @param logits f32 [≥ rows, ≥ vocabSize]; destroyed
     */
    public void sample(Tensor logits) {
        kernels.sample(logits, vocabSize, batch, sampled);
    }

    /** The id drawn for {@code row}; -1 when the row's logits held NaN or nothing could be drawn. */
    public int id(int row) {
        return sampled.ids[row];
    }

    /** Log-probabilities of the id drawn for {@code row}; null when they were not asked or nothing was drawn. */
    public @Nullable TokenLogprobs logprobs(int row) {
        boolean asked = batch.numLogprobs[row] != SamplingParams.NO_LOGPROBS;
        return asked && sampled.ids[row] >= 0 ? message(row, sampled.ids[row]) : null;
    }

    /**
     * Takes raw log-probabilities of the tokens that follow prompt positions, beside the {@code numTop} best of each;
     * results of {@link #sample} are lost.
     *
     * @param logits f32 [≥ numRows, ≥ vocabSize]
     * @param targets the token that came next, for each row
     * @param numRows at most the number of rows this sampler was made for
     */
    public void scorePrompt(Tensor logits, int[] targets, int numRows, int numTop) {
        kernels.logprobs(logits, vocabSize, targets, numTop, numRows, sampled);
    }

    /** What {@link #scorePrompt} took, in row order. */
    public List<TokenLogprobs> promptLogprobs(int[] targets, int numRows) {
        List<TokenLogprobs> messages = new ArrayList<>(numRows);
        for (int row = 0; row < numRows; row++) {
            messages.add(message(row, targets[row]));
        }
        return messages;
    }

    private TokenLogprobs message(int row, int id) {
        int[] topIds = sampled.topIds[row];
        float[] topLogprobs = sampled.topLogprobs[row];
        return new TokenLogprobs(
                id,
                sampled.logprobs[row],
                sampled.ranks[row],
                topIds == null ? new int[0] : topIds,
                topLogprobs == null ? new float[0] : topLogprobs);
    }
}
