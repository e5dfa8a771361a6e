package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.kernel.Backend;
import dev.quire.kernel.KvScales;
import dev.quire.kernel.PagedKvCache;
import dev.quire.kernel.cpu.CpuBackend;
import dev.quire.kernel.cpu.CpuOptions;
import dev.quire.model.DecoderWeights;
import dev.quire.model.DenseDecoder;
import dev.quire.model.KvScaleTensors;
import dev.quire.model.ModelConfig;
import dev.quire.model.ModelRegistry;
import dev.quire.request.GenerationRequest;
import dev.quire.request.SamplingParams;
import dev.quire.request.SequenceResult;
import dev.quire.request.TokenIds;
import dev.quire.request.TokenLogprobs;
import dev.quire.request.TokenSink;
import dev.quire.runner.ModelRunner;
import dev.quire.runner.StepRunner;
import dev.quire.tensor.DType;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.ConfigJson;
import dev.quire.weights.ModelFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A real model on the CPU in the real engine, with block invariants checked after every step. */
final class EngineHarness implements AutoCloseable {
    /** How host and device overlap. */
    enum Overlap {
        /** One step in flight. */
        NONE,
        /** Two: a step is computed when it is collected. */
        LATE_STEPS,
        /** Two: a step is computed when it is submitted, its tokens are kept back. */
        LATE_TOKENS
    }

    /** How large, and with which switches. */
    record Setup(
            int blockSize,
            int numBlocks,
            boolean caching,
            int maxNumSeqs,
            int budget,
            int maxModelLen,
            Overlap overlap) {
        static Setup plain(Overlap overlap) {
            return new Setup(16, 256, true, 16, 512, 512, overlap);
        }
    }

    final EngineThread engine;
    final DenseDecoder model;
    final Backend backend;
    final PagedKvCache kvCache;
    final ModelConfig config;

    /** On the CPU, weights as they are stored. */
    EngineHarness(ModelFiles files, Setup setup) {
        this(files, setup, new CpuBackend(CpuOptions.defaults().withoutExpansion()));
    }

    /** On another device; closes the backend. */
    EngineHarness(ModelFiles files, Setup setup, Backend device) {
        this(files, setup, device, device.kvCache().supportedTypes()[0]);
    }

    /** With another type of KV cache, and the checkpoint's scales; closes the backend. */
    EngineHarness(ModelFiles files, Setup setup, Backend device, DType kvType) {
        ConfigJson json = ConfigJson.read(files, "config.json");
        config = ModelRegistry.config(json);
        backend = setup.overlap == Overlap.LATE_TOKENS ? LateBackend.of(device, setup.maxNumSeqs) : device;
        KvScales scales;
        try (Checkpoint checkpoint = Checkpoint.open(files)) {
            scales = KvScaleTensors.find(checkpoint, config);
            DecoderWeights weights = DecoderWeights.find(checkpoint, json, config);
            var limits = new DenseDecoder.Limits(setup.budget, setup.maxNumSeqs, setup.maxModelLen);
            backend.gemm().expect(weights.matrices());
            model = DenseDecoder.load(backend, config, weights, limits, layer -> {});
        }
        kvCache = backend.kvCache()
                .allocate(setup.numBlocks, setup.blockSize, config.numKvHeads(), config.headDim(), kvType, scales);
        ModelRunner runner =
                new ModelRunner(backend, model, kvCache, setup.maxNumSeqs, setup.budget, setup.maxModelLen);
        EngineConfig engineConfig = new EngineConfig(
                setup.maxModelLen,
                setup.maxNumSeqs,
                setup.budget,
                setup.blockSize,
                setup.numBlocks,
                setup.caching,
                0,
                EngineConfig.Policy.FCFS,
                10_000,
                10_000_000,
                1);
        StepRunner steps = setup.overlap == Overlap.LATE_STEPS ? new DeferringRunner(runner, setup.maxNumSeqs) : runner;
        engine = new EngineThread(engineConfig, steps, 5, true);
    }

    /** Collects one request's sequences. */
    static final class Answer implements TokenSink {
        final List<List<Integer>> tokens = new ArrayList<>();
        final List<List<@Nullable TokenLogprobs>> logprobs = new ArrayList<>();
        final List<SequenceResult> results = new ArrayList<>();
        private final CountDownLatch ended;
        private @Nullable GenerationRequest request;

        @Nullable
        List<@Nullable TokenLogprobs> promptLogprobs;

        @Nullable
        String failure;

        Answer(int n) {
            ended = new CountDownLatch(n);
            for (int i = 0; i < n; i++) {
                tokens.add(new ArrayList<>());
                logprobs.add(new ArrayList<>());
            }
        }

        @Override
        public void token(int index, int tokenId, @Nullable TokenLogprobs tokenLogprobs) {
            tokens.get(index).add(tokenId);
            logprobs.get(index).add(tokenLogprobs);
        }

        @Override
        public void finished(int index, SequenceResult result) {
            results.add(result);
            ended.countDown();
        }

        @Override
        public void failed(String cause) {
            failure = cause;
            while (ended.getCount() > 0) {
                ended.countDown();
            }
        }

        @Override
        public void promptLogprobs(List<@Nullable TokenLogprobs> positions) {
            promptLogprobs = positions;
        }

        Answer await() throws InterruptedException {
            assertThat(ended.await(120, TimeUnit.SECONDS))
                    .as("finishes in time")
                    .isTrue();
            assertThat(failure).isNull();
            return this;
        }

        /** The cause for which the request failed. */
        String awaitFailure() throws InterruptedException {
            assertThat(ended.await(120, TimeUnit.SECONDS))
                    .as("finishes in time")
                    .isTrue();
            assertThat(failure).isNotNull();
            return failure;
        }
    }

    Answer submit(TokenIds prompt, SamplingParams params, TokenIds eos) {
        Answer answer = new Answer(params.n());
        GenerationRequest request = new GenerationRequest("test", prompt, params, eos, 0, 0, System.nanoTime(), answer);
        answer.request = request;
        assertThat(engine.submit(request)).isEqualTo(EngineClient.Admission.ACCEPTED);
        return answer;
    }

    void abort(Answer answer) {
        engine.abort(answer.request);
    }

    @Override
    public void close() {
        engine.close();
        assertThat(engine.failure()).isEmpty();
    }
}
