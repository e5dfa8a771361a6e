package dev.quire.boot;

import dev.quire.kernel.Backend;
import dev.quire.kernel.cpu.CpuBackend;
import dev.quire.kernel.cpu.CpuOptions;
import dev.quire.kernel.cpu.CpuOptions.GemmPath;
import dev.quire.kernel.cpu.OneDnnUnavailableException;
import dev.quire.kernel.cuda.CudaBackend;
import dev.quire.kernel.cuda.CudaUnavailableException;
import java.util.function.Consumer;

/** Picks the device's backend and says why. */
final class BackendChoice {
    private static final String AUTO = "auto";
    private static final String CUDA = "cuda";

    private BackendChoice() {}

    /** The best device of this machine that the options allow. */
    static Backend choose(EngineOptions options, Consumer<String> log) {
        String reason = "asked for";
        if (!options.device().equals("cpu")) {
            try {
                CudaBackend cuda = CudaBackend.open(options.cuda());
                log.accept("device cuda (" + (isAuto(options) ? "found" : "asked for") + "): " + cuda.description());
                return cuda;
            } catch (CudaUnavailableException e) {
                if (options.device().equals(CUDA)) {
                    throw new StartupException("--device cuda: " + e.getMessage() + "; or use --device cpu", e);
                }
                reason = e.getMessage();
            }
        }
        return cpu(options, reason, log);
    }

    /** @param reason why it is not a GPU, or that the user wants it so */
    static Backend cpu(EngineOptions options, String reason, Consumer<String> log) {
        Backend backend;
        try {
            backend = new CpuBackend(cpuOptions(options));
        } catch (OneDnnUnavailableException e) {
            throw refused(e);
        }
        log.accept("device cpu (" + reason + "): " + backend.description());
        return backend;
    }

    static boolean isAuto(EngineOptions options) {
        return options.device().equals(AUTO);
    }

    static boolean isGpu(Backend backend) {
        return backend.name().equals(CUDA);
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
