package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.ScheduledSequence;
import dev.quire.batch.SchedulerOutput;
import dev.quire.runner.StepRunner;
import java.util.ArrayDeque;
import java.util.concurrent.Semaphore;

/**
 * Counts up from the last token; can be held back, or told to fail. With one step in flight it computes in submit, with
 * two in collect.
 */
final class CountingRunner implements StepRunner {
    private record Step(SchedulerOutput order, ModelRunnerOutput output) {}

    final Semaphore permits = new Semaphore(0);
    volatile boolean failing;
    volatile boolean failingInSubmit;
    volatile boolean closed;
    volatile int numAbandoned;
    private final int maxStepsInFlight;
    private final boolean gated;
    private final ArrayDeque<Step> steps = new ArrayDeque<>();
    private final int[] lastSampled = new int[64];

    CountingRunner(int maxStepsInFlight, boolean gated) {
        this.maxStepsInFlight = maxStepsInFlight;
        this.gated = gated;
    }

    @Override
    public int maxStepsInFlight() {
        return maxStepsInFlight;
    }

    @Override
    public void submit(SchedulerOutput order, ModelRunnerOutput output) {
        assertThat(steps.size()).isLessThan(maxStepsInFlight);
        assertThat(order.isEmpty()).isFalse();
        if (failingInSubmit) {
            throw new IllegalStateException("device fault in kernel gemm");
        }
        steps.add(new Step(order, output));
        if (maxStepsInFlight == 1) {
            compute(steps.element());
        }
    }

    @Override
    public void collect() {
        if (maxStepsInFlight > 1) {
            compute(steps.element());
        }
        steps.remove();
    }

    private void compute(Step step) {
        if (gated) {
            permits.acquireUninterruptibly();
        }
        if (failing) {
            throw new IllegalStateException("device fault in kernel gemm");
        }
        for (int i = 0; i < step.order.numRows(); i++) {
            ScheduledSequence row = step.order.row(i);
            if (row.samples) {
                int last = row.numPendingTokens > 0 ? lastSampled[row.slot] : row.tokens[row.numTokens - 1];
                lastSampled[row.slot] = (last + 1) % 90;
                step.output.set(i, lastSampled[row.slot], null);
            }
        }
    }

    @Override
    public void close() {
        numAbandoned = steps.size();
        closed = true;
    }
}
