package dev.quire.boot;

import dev.quire.engine.EngineThread;
import dev.quire.kernel.Backend;
import dev.quire.kernel.KvScales;
import dev.quire.kernel.PagedKvCache;
import dev.quire.model.DecoderWeights;
import dev.quire.model.DenseDecoder;
import dev.quire.model.KvScaleTensors;
import dev.quire.model.ModelConfig;
import dev.quire.model.ModelRegistry;
import dev.quire.runner.MemoryPlan;
import dev.quire.runner.ModelRunner;
import dev.quire.tensor.DType;
import dev.quire.tensor.OutOfDeviceMemoryException;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.ConfigJson;
import dev.quire.weights.quant.QuantizationConfig;
import java.security.SecureRandom;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Takes a model to a device: device, plan, weights, KV cache, first step. */
final class DeviceLoading {
    /** A prompt of 30 tokens takes such a model well below a second even with kernels that are not prepared. */
    private static final long MAX_BYTES_TO_PREPARE_LATER = 64 << 20;

    private final EngineOptions options;
    private final ModelSource source;
    private final PhaseTimes phases;
    private final Consumer<String> log;
    private final boolean mayPrepareLater;
    private final ConfigJson json;
    private final ModelConfig config;

    private DeviceLoading(
            EngineOptions options,
            ModelSource source,
            PhaseTimes phases,
            Consumer<String> log,
            boolean mayPrepareLater) {
        this.options = options;
        this.source = source;
        this.phases = phases;
        this.log = log;
        this.mayPrepareLater = mayPrepareLater;
        json = ConfigJson.read(source.files(), "config.json");
        config = ModelRegistry.config(json);
        checkDtype();
    }

    /**
     * Loads; on a machine with a GPU that is too small, the CPU takes over unless the user asked for the GPU.
     *
     * @param mayPrepareLater leave it to the preparation thread to make a small model's kernels fast
     */
    static DeviceSide load(
            EngineOptions options,
            ModelSource source,
            PhaseTimes phases,
            Consumer<String> log,
            boolean mayPrepareLater) {
        DeviceLoading loading = new DeviceLoading(options, source, phases, log, mayPrepareLater);
        Backend backend = phases.time("device", () -> BackendChoice.choose(options, log));
        try {
            return loading.loadOn(backend);
        } catch (MemoryPlan.DoesNotFitException | OutOfDeviceMemoryException e) {
            if (!BackendChoice.isGpu(backend) || !BackendChoice.isAuto(options)) {
                throw e;
            }
            return loading.loadOn(BackendChoice.cpu(options, "not the GPU: " + e.getMessage(), log));
        }
    }

    /** Owns the backend from here on. */
    private DeviceSide loadOn(Backend backend) {
        EngineSizes sizes = new EngineSizes(options, config, BackendChoice.isGpu(backend));
        try (Checkpoint checkpoint = phases.time("checkpoint", () -> source.open(options))) {
            DecoderWeights weights = DecoderWeights.find(checkpoint, json, config);
            DenseDecoder.Limits limits =
                    new DenseDecoder.Limits(sizes.maxNumBatchedTokens, sizes.maxNumSeqs, sizes.maxModelLen());
            backend.gemm().expect(weights.matrices());
            long weightBytes = weights.residentBytes(backend);
            long scratchBytes = DenseDecoder.scratchBytes(backend, config, limits)
                    + backend.stepBytes(ModelRunner.limits(
                            backend,
                            sizes.maxNumSeqs,
                            sizes.maxNumBatchedTokens,
                            sizes.maxModelLen() / options.blockSize() + 1,
                            config.vocabSize()));
            DType kvType = KvCacheType.of(options.kvCacheDtype(), isMadeForFp8Cache(), backend);
            KvScales kvScales = KvScaleTensors.find(checkpoint, config);
            MemoryPlan plan = sizes.plan(backend, kvType, weightBytes, scratchBytes);
            plan.describe().lines().forEach(log);
            DenseDecoder model =
                    phases.time("weights", () -> DenseDecoder.load(backend, config, weights, limits, layers -> {}));
            PagedKvCache kvCache = phases.time("KV cache", () -> kvCache(backend, plan, kvType, kvScales));
            ModelRunner runner = new ModelRunner(
                    backend, model, kvCache, sizes.maxNumSeqs, sizes.maxNumBatchedTokens, plan.maxModelLen());
            boolean prepareLater =
                    mayPrepareLater && !BackendChoice.isGpu(backend) && weightBytes <= MAX_BYTES_TO_PREPARE_LATER;
            phases.time("warm-up", () -> {
                if (!prepareLater) {
                    backend.prepare();
                }
                BackendChoice.chooseProducts(backend, log);
                WarmUp.run(runner, sizes.maxNumSeqs, sizes.maxNumBatchedTokens, plan.maxModelLen(), plan.blockSize());
                return runner;
            });
            EngineThread engine =
                    new EngineThread(sizes.engineConfig(plan), runner, new SecureRandom().nextLong(), false);
            return new DeviceSide(
                    engine,
                    config,
                    backend.name() + ", " + backend.description(),
                    BackendChoice.cpuOptions(options).numThreads(),
                    model.weightBytesPerStep(),
                    prepareLater ? preparation(backend) : null);
        } catch (RuntimeException | Error e) {
            backend.close();
            throw e;
        }
    }

    private boolean isMadeForFp8Cache() {
        return QuantizationConfig.from(json)
                .map(QuantizationConfig::kvCacheIsFp8)
                .orElse(false);
    }

    private PagedKvCache kvCache(Backend backend, MemoryPlan plan, DType type, KvScales scales) {
        if (type == DType.F8_E4M3) {
            log.accept("KV cache in FP8 (E4M3), scales of K " + KvScales.range(scales.keys()) + ", of V "
                    + KvScales.range(scales.values()));
        }
        return backend.kvCache()
                .allocate(plan.numBlocks(), plan.blockSize(), config.numKvHeads(), config.headDim(), type, scales);
    }

    /** After a moment: the first request should have the cores to itself. */
    private @Nullable Thread preparation(Backend backend) {
        Thread thread = new Thread(
                () -> {
                    try {
                        TimeUnit.SECONDS.sleep(1);
                        long start = System.nanoTime();
                        backend.prepare();
                        double seconds = (System.nanoTime() - start) / 1e9;
                        log.accept(String.format(Locale.ROOT, "kernels prepared in %.1f s", seconds));
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                "quire-prepare");
        thread.setDaemon(true);
        return thread;
    }

    private void checkDtype() {
        String found = config.dtype().torchName();
        if (!options.dtype().equals("auto") && !options.dtype().equals(found)) {
            throw new StartupException("--dtype " + options.dtype() + ": the checkpoint is " + found
                    + " and is computed as it is stored; use --dtype auto");
        }
    }
}
