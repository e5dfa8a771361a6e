package dev.quire.engine;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.ScheduledSequence;
import dev.quire.batch.SchedulerOutput;
import dev.quire.runner.StepRunner;
import java.util.ArrayDeque;

/**
 * Makes a synchronous runner one with two steps in flight: a step is computed when it is collected, with the next one
 * submitted already. As a device would, it takes in an order when it is submitted, and pending tokens from what it sampled
 * itself.
 */
final class DeferringRunner implements StepRunner {
    /** Stands where a pending token's value is not known; no model has such a token. */
    private static final int POISON = Integer.MIN_VALUE;

    private record Step(SchedulerOutput order, SchedulerOutput snapshot, ModelRunnerOutput output) {}

    private final StepRunner runner;
    private final int maxNumSeqs;
    private final ArrayDeque<Step> steps = new ArrayDeque<>();
    private final int[] lastSampled;

    DeferringRunner(StepRunner runner, int maxNumSeqs) {
        this.runner = runner;
        this.maxNumSeqs = maxNumSeqs;
        lastSampled = new int[maxNumSeqs];
    }

    @Override
    public int maxStepsInFlight() {
        return 2;
    }

    @Override
    public void submit(SchedulerOutput order, ModelRunnerOutput output) {
        if (steps.size() == 2) {
            throw new IllegalStateException("more than two steps in flight");
        }
        SchedulerOutput snapshot = new SchedulerOutput(maxNumSeqs);
        for (int i = 0; i < order.numFreedSlots(); i++) {
            snapshot.freeSlot(order.freedSlot(i));
        }
        for (int i = 0; i < order.numRows(); i++) {
            copy(order.row(i), snapshot.next());
            snapshot.commit();
        }
        steps.add(new Step(order, snapshot, output));
    }

    private static void copy(ScheduledSequence from, ScheduledSequence to) {
        to.sequenceId = from.sequenceId;
        to.slot = from.slot;
        to.newInSlot = from.newInSlot;
        to.params = from.params;
        to.seed = from.seed;
        to.tokens = from.tokens.clone();
        to.numTokens = from.numTokens;
        to.numPendingTokens = from.numPendingTokens;
        to.numPromptTokens = from.numPromptTokens;
        to.firstPosition = from.firstPosition;
        to.numScheduledTokens = from.numScheduledTokens;
        to.samples = from.samples;
        to.bannedIds = from.bannedIds;
        to.blockIds = from.blockIds.clone();
        to.numBlocks = from.numBlocks;
        if (to.numPendingTokens > 0) {
            to.tokens[to.numTokens - 1] = POISON;
        }
    }

    @Override
    public void collect() {
        Step step = steps.remove();
        for (int i = 0; i < step.snapshot.numRows(); i++) {
            ScheduledSequence row = step.snapshot.row(i);
            if (row.numPendingTokens > 0) {
                row.tokens[row.numTokens - 1] = lastSampled[row.slot];
                row.numPendingTokens = 0;
            }
        }
        runner.submit(step.snapshot, step.output);
        runner.collect();
        for (int i = 0; i < step.order.numRows(); i++) {
            ScheduledSequence row = step.order.row(i);
            if (row.samples) {
                lastSampled[row.slot] = step.output.sampledId(i);
            }
        }
    }

    @Override
    public void close() {
        runner.close();
    }
}
