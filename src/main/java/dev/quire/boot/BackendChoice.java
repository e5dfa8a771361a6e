package dev.quire.boot;

import dev.quire.kernel.Backend;
import dev.quire.kernel.cpu.CpuAttention;
import dev.quire.kernel.cpu.CpuBackend;
import dev.quire.kernel.cpu.CpuKvCache;
import dev.quire.kernel.cpu.CpuOptions;
import dev.quire.kernel.cpu.CpuSampling;
import java.util.function.Consumer;

/** Picks the device's backend and says why. */
final class BackendChoice {
    private BackendChoice() {}

    static Backend choose(EngineOptions options, Consumer<String> log) {
        if (options.device().equals("cuda")) {
            throw new StartupException("--device cuda: this build has no CUDA backend; use --device cpu");
        }
        Backend backend = new CpuBackend(cpuOptions(options), CpuKvCache::new, CpuAttention::new, CpuSampling::new);
        String reason = options.device().equals("auto") ? "the only backend of this build" : "asked for";
        log.accept("device cpu (" + reason + "): " + backend.description());
        return backend;
    }

    static CpuOptions cpuOptions(EngineOptions options) {
        return options.numThreads().isPresent()
                ? new CpuOptions(options.numThreads().getAsInt())
                : CpuOptions.defaults();
    }
}
