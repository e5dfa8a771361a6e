package dev.quire.boot;

import dev.quire.engine.EngineThread;
import dev.quire.model.ModelConfig;
import org.jspecify.annotations.Nullable;

/**
 * What the device side of loading gives.
 *
 * @param engine not started yet
 * @param backendDescription device and libraries, for reports
 * @param numThreads CPU threads that compute
 * @param weightBytesPerStep bytes of weights that one decode step reads
 * @param preparation makes kernels fast that are not yet; null when there is nothing left to do
 */
record DeviceSide(
        EngineThread engine,
        ModelConfig config,
        String backendDescription,
        int numThreads,
        long weightBytesPerStep,
        @Nullable Thread preparation) {}
