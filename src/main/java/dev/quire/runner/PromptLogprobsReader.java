package dev.quire.runner;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.ScheduledSequence;
import dev.quire.batch.SchedulerOutput;
import dev.quire.kernel.Backend;
import dev.quire.model.CausalLm;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenLogprobs;
import dev.quire.sampling.Sampler;
import java.util.ArrayList;
import java.util.List;

/**
 * Log-probabilities of prompt tokens, for the few requests that ask: logits of every prompt row, in pieces. Each piece is
 * waited for, so a step with such a prompt in it does not overlap with the step before.
 */
final class PromptLogprobsReader {
    private final Backend backend;
    private final CausalLm model;
    private final Sampler sampler;
    private final int maxRows;
    private final int[] rows;
    private final int[] targets;

    /** @param maxRows of a piece */
    PromptLogprobsReader(Backend backend, CausalLm model, int maxRows) {
        this.backend = backend;
        this.model = model;
        sampler = new Sampler(backend.sampling(), maxRows, model.vocabSize());
        this.maxRows = maxRows;
        rows = new int[maxRows];
        targets = new int[maxRows];
    }

    /** Says for every row that there are none. */
    void clear(SchedulerOutput order, ModelRunnerOutput output) {
        for (int i = 0; i < order.numRows(); i++) {
            output.setPromptLogprobs(i, null);
        }
    }

    void read(SchedulerOutput order, ModelRunnerOutput output) {
        int firstRow = 0;
        for (int i = 0; i < order.numRows(); i++) {
            ScheduledSequence row = order.row(i);
            boolean asked = row.params.numPromptLogprobs() != SamplingParams.NO_LOGPROBS
                    && row.firstPosition < row.numPromptTokens - 1;
            output.setPromptLogprobs(i, asked ? read(row, firstRow) : null);
            firstRow += row.numScheduledTokens;
        }
    }

    private List<TokenLogprobs> read(ScheduledSequence row, int firstRow) {
        // The logits of position p say how probable the token at p + 1 was.
        int count = Math.min(row.numScheduledTokens, row.numPromptTokens - 1 - row.firstPosition);
        int numTop = Math.min(row.params.numPromptLogprobs(), model.vocabSize());
        List<TokenLogprobs> all = new ArrayList<>(count);
        for (int done = 0; done < count; done += maxRows) {
            int n = Math.min(maxRows, count - done);
            for (int j = 0; j < n; j++) {
                rows[j] = firstRow + done + j;
                targets[j] = row.tokens[row.firstPosition + done + j + 1];
            }
            sampler.scorePrompt(model.logits(rows, n), targets, n, numTop);
            backend.synchronize();
            all.addAll(sampler.promptLogprobs(targets, n));
        }
        return all;
    }
}
