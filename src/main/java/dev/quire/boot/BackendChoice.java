package dev.quire.boot;

import dev.quire.kernel.Backend;
import dev.quire.kernel.cpu.CpuBackend;
import dev.quire.kernel.cpu.CpuOptions;
import java.util.function.Consumer;

/** Picks the device's backend and says why. */
final class BackendChoice {
    private BackendChoice() {}

    static Backend choose(EngineOptions options, Consumer<String> log) {
        if (options.device().equals("cuda")) {
            throw new StartupException("--device cuda: this build has no CUDA backend; use --device cpu");
        }
        Backend backend = new CpuBackend(cpuOptions(options));
        String reason = options.device().equals("auto") ? "the only backend of this build" : "asked for";
        log.accept("device cpu (" + reason + "): " + backend.description());
        return backend;
    }

    static CpuOptions cpuOptions(EngineOptions options) {
        int numThreads = options.numThreads().orElse(CpuOptions.defaults().numThreads());
        return new CpuOptions(numThreads, true);
    }
}
