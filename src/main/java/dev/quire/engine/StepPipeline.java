package dev.quire.engine;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.SchedulerOutput;
import dev.quire.runner.StepRunner;
import dev.quire.scheduler.Scheduler;

/**
 * The steps between engine and runner, oldest first: as many orders and outputs, allocated once, as may be in flight. An
 * order that is not submitted is used again.
 */
final class StepPipeline {
    private final StepRunner runner;
    private final SchedulerOutput[] orders;
    private final ModelRunnerOutput[] outputs;
    private int oldest;
    private int numInFlight;

    StepPipeline(StepRunner runner, int maxNumSeqs) {
        this.runner = runner;
        int maxInFlight = runner.maxStepsInFlight();
        if (maxInFlight != 1 && maxInFlight != 2) {
            throw new IllegalArgumentException("1 or 2 steps in flight, not " + maxInFlight);
        }
        orders = new SchedulerOutput[maxInFlight];
        outputs = new ModelRunnerOutput[maxInFlight];
        for (int i = 0; i < maxInFlight; i++) {
            orders[i] = new SchedulerOutput(maxNumSeqs);
            outputs[i] = new ModelRunnerOutput(maxNumSeqs);
        }
    }

    boolean isEmpty() {
        return numInFlight == 0;
    }

    boolean isFull() {
        return numInFlight == orders.length;
    }

    /** Starts the next step; false when the scheduler orders nothing. Not when {@link #isFull}. */
    boolean submit(Scheduler scheduler) {
        int next = (oldest + numInFlight) % orders.length;
        scheduler.schedule(orders[next]);
        if (orders[next].isEmpty()) {
            return false;
        }
        numInFlight++;
        runner.submit(orders[next], outputs[next]);
        return true;
    }

    /** Waits for the oldest step and hands its results over; returns the nanoseconds waited. */
    long collect(Scheduler scheduler) {
        long start = System.nanoTime();
        runner.collect();
        long waited = System.nanoTime() - start;
        int collected = oldest;
        oldest = (oldest + 1) % orders.length;
        numInFlight--;
        scheduler.update(orders[collected], outputs[collected]);
        return waited;
    }
}
