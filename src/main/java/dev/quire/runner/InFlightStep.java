package dev.quire.runner;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.ScheduledSequence;
import dev.quire.batch.SchedulerOutput;
import dev.quire.sampling.Sampler;
import dev.quire.tensor.Tensor;

/** A submitted step until its result is there. Each has a sampler: the results of two steps exist at once. */
final class InFlightStep {
    private final Sampler sampler;
    private SchedulerOutput order;
    private ModelRunnerOutput output;
    private long mark;

    InFlightStep(Sampler sampler) {
        this.sampler = sampler;
    }

    void begin(SchedulerOutput order, ModelRunnerOutput output) {
        this.order = order;
        this.output = output;
    }

    /** Enqueues the draw of one token for each row that samples, in row order. */
    void sample(Tensor logits) {
        sampler.begin();
        for (int i = 0; i < order.numRows(); i++) {
            ScheduledSequence row = order.row(i);
            if (row.samples) {
                sampler.add(
                        row.params, row.slot, row.seed, row.tokens, row.numTokens, row.numPromptTokens, row.bannedIds);
            }
        }
        sampler.sample(logits);
    }

    /** All of this step is enqueued. */
    void submitted(long mark) {
        this.mark = mark;
    }

    /** What {@code Backend.awaitStep} waits for. */
    long mark() {
        return mark;
    }

    /** Passes on what was drawn; the step is done. */
    void deliver() {
        int logitRow = 0;
        for (int i = 0; i < order.numRows(); i++) {
            if (order.row(i).samples) {
                output.set(i, sampler.id(logitRow), sampler.logprobs(logitRow));
                logitRow++;
            }
        }
    }
}
