package dev.quire.runner;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.SchedulerOutput;

/** Computes one step. The model's runner is {@link ModelRunner}; tests script their own. */
public interface StepRunner extends AutoCloseable {
    /**
     * Computes the order's rows and fills {@code output} for those that sample.
     *
     * @throws RuntimeException when the device failed; the engine ends
     */
    void run(SchedulerOutput order, ModelRunnerOutput output);

    @Override
    void close();
}
