package dev.quire.boot;

import dev.quire.kernel.Backend;
import dev.quire.kernel.cpu.CpuBackend;
import dev.quire.kernel.cpu.CpuOptions;
import dev.quire.kernel.cpu.CpuOptions.GemmPath;
import dev.quire.kernel.cpu.OneDnnUnavailableException;
import java.util.function.Consumer;

/** Picks the device's backend and says why. */
final class BackendChoice {
    private BackendChoice() {}

    static Backend choose(EngineOptions options, Consumer<String> log) {
        if (options.device().equals("cuda")) {
            throw new StartupException("--device cuda: this build has no CUDA backend; use --device cpu");
        }
        Backend backend;
        try {
            backend = new CpuBackend(cpuOptions(options));
        } catch (OneDnnUnavailableException e) {
            throw refused(e);
        }
        String reason = options.device().equals("auto") ? "the only backend of this build" : "asked for";
        log.accept("device cpu (" + reason + "): " + backend.description());
        return backend;
    }

    static CpuOptions cpuOptions(EngineOptions options) {
        int numThreads = options.numThreads().orElse(CpuOptions.defaults().numThreads());
        return new CpuOptions(numThreads, true, gemmPath(options.cpuGemm()));
    }

    /** Lets the backend choose its products, and logs what it chose. */
    static void chooseProducts(Backend backend, Consumer<String> log) {
        try {
            String line = backend.chooseProducts();
            if (!line.isEmpty()) {
                log.accept("device " + backend.name() + ": " + line);
            }
        } catch (OneDnnUnavailableException e) {
            throw refused(e);
        }
    }

    private static GemmPath gemmPath(String name) {
        return switch (name) {
            case "auto" -> GemmPath.AUTO;
            case "vector" -> GemmPath.VECTOR;
            case "onednn" -> GemmPath.ONEDNN;
            default ->
                throw new StartupException("--cpu-gemm must be one of auto, vector, onednn, got \"" + name + "\"");
        };
    }

    private static StartupException refused(OneDnnUnavailableException e) {
        return new StartupException("--cpu-gemm onednn: " + e.getMessage() + "; use --cpu-gemm auto", e);
    }
}
