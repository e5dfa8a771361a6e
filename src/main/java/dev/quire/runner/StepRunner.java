package dev.quire.runner;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.SchedulerOutput;

/**
 * Computes steps in the order of their submission. The model's runner is {@link ModelRunner}; tests script their own.
 */
public interface StepRunner extends AutoCloseable {
    /** Steps submitted and not collected at most: 1 when {@link #submit} computes everything, 2 for a device. */
    int maxStepsInFlight();

    /**
     * Starts the order's step. Both messages belong to the runner until the step is collected. Every step sees what the
     * steps before it wrote: K and V, and the last token sampled in each slot.
     *
     * @throws RuntimeException when the device failed; the engine ends
     */
    void submit(SchedulerOutput order, ModelRunnerOutput output);

    /**
     * Waits for the oldest step in flight and fills its output for the rows that sample.
     *
     * @throws RuntimeException when the device failed; the engine ends
     */
    void collect();

    /** Abandons the steps in flight, waiting as long as the device may still work on them, and frees everything. */
    @Override
    void close();
}
