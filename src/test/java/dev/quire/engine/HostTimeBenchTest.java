package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.SchedulerOutput;
import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.Backend;
import dev.quire.kernel.PagedKvCache;
import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;
import dev.quire.kernel.SamplingKernels;
import dev.quire.model.CausalLm;
import dev.quire.queue.RequestQueue;
import dev.quire.request.GenerationRequest;
import dev.quire.request.SamplingParams;
import dev.quire.request.SequenceResult;
import dev.quire.request.TokenIds;
import dev.quire.request.TokenLogprobs;
import dev.quire.request.TokenSink;
import dev.quire.runner.ModelRunner;
import dev.quire.runner.StepRunner;
import dev.quire.tensor.DType;
import dev.quire.tensor.Shape;
import dev.quire.tensor.Storage;
import dev.quire.tensor.Tensor;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Prints the host's time a decode step with a device that costs nothing: what has to fit beside the device's step. With
 * {@code model}, the runner's share (input batch, sampling parameters) is in it.
 */
@Tag("bench")
class HostTimeBenchTest {
    private static final int BLOCK_SIZE = 16;
    private static final int MAX_MODEL_LEN = 16_384;
    private static final int NUM_STEPS = 400;
    private static final int ROUNDS = 12;

    @ParameterizedTest
    @CsvSource({
        // sequences, tokens of each, steps in flight, with the model runner
        "256,1000,1,false",
        "256,1000,2,false",
        "256,1000,2,true",
        "256,8000,2,true",
        "32,1000,2,true"
    })
    void decode(int numSeqs, int numTokens, int stepsInFlight, boolean model) {
        double[] medians = new double[ROUNDS];
        double[] bytes = new double[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            RequestQueue queue = new RequestQueue(10_000, Long.MAX_VALUE);
            int numBlocks = numSeqs * ((numTokens + NUM_STEPS + 600) / BLOCK_SIZE + 4);
            EngineConfig config = new EngineConfig(
                    Math.min(MAX_MODEL_LEN, numBlocks * BLOCK_SIZE),
                    numSeqs,
                    8192,
                    BLOCK_SIZE,
                    numBlocks,
                    true,
                    0,
                    EngineConfig.Policy.FCFS,
                    10_000,
                    Long.MAX_VALUE,
                    1);
            StepRunner runner = model ? modelRunner(config, stepsInFlight) : new FreeRunner(stepsInFlight);
            Engine engine = new Engine(config, runner, queue, 5);
            CountingSink sink = new CountingSink();
            Random random = new Random(round);
            for (int i = 0; i < numSeqs; i++) {
                int[] prompt = random.ints(numTokens, 0, 30_000).toArray();
                queue.offer(new GenerationRequest(
                        "r",
                        TokenIds.of(prompt),
                        SamplingParams.builder().maxTokens(NUM_STEPS + 1000).build(),
                        TokenIds.of(31_000),
                        0,
                        0,
                        System.nanoTime(),
                        sink));
            }
            for (long before = -1; sink.numTokens - before < numSeqs; ) {
                before = sink.numTokens;
                engine.step();
            }
            long first = sink.numTokens;
            double[] micros = new double[NUM_STEPS];
            long allocated = allocatedBytes();
            for (int step = 0; step < NUM_STEPS; step++) {
                long before = engine.hostNanos();
                engine.step();
                micros[step] = (engine.hostNanos() - before) / 1e3;
            }
            bytes[round] = (double) (allocatedBytes() - allocated) / NUM_STEPS;
            medians[round] = median(micros);
            assertThat(sink.numTokens - first)
                    .as("every sequence in every step")
                    .isEqualTo((long) numSeqs * NUM_STEPS);
            engine.failAll("over");
            engine.closeRunner();
        }
        double[] warm = Arrays.copyOfRange(medians, ROUNDS / 2, ROUNDS);
        System.out.printf(
                "%d sequences of %d tokens, %d in flight%s: median %.1f µs of host time a step (best round %.1f), %.0f"
                        + " bytes allocated%n",
                numSeqs,
                numTokens,
                stepsInFlight,
                model ? ", with the model runner" : "",
                median(warm),
                Arrays.stream(warm).min().getAsDouble(),
                median(bytes));
        assertThat(median(warm)).as("µs").isLessThan(1000);
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private static long allocatedBytes() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return threads.getThreadAllocatedBytes(Thread.currentThread().getId());
    }

    private static final class CountingSink implements TokenSink {
        long numTokens;

        @Override
        public void token(int index, int tokenId, @Nullable TokenLogprobs logprobs) {
            numTokens++;
        }

        @Override
        public void finished(int index, SequenceResult result) {}

        @Override
        public void failed(String cause) {}
    }

    /** Answers at once, always the same. */
    private static final class FreeRunner implements StepRunner {
        private final int maxStepsInFlight;

        FreeRunner(int maxStepsInFlight) {
            this.maxStepsInFlight = maxStepsInFlight;
        }

        @Override
        public int maxStepsInFlight() {
            return maxStepsInFlight;
        }

        @Override
        public void submit(SchedulerOutput order, ModelRunnerOutput output) {
            for (int i = 0; i < order.numRows(); i++) {
                output.set(i, 7, null);
            }
        }

        @Override
        public void collect() {}

        @Override
        public void close() {}
    }

    private static ModelRunner modelRunner(EngineConfig config, int stepsInFlight) {
        SamplingKernels sampling = new SamplingKernels() {
            @Override
            public void sample(Tensor logits, int vocabSize, SamplingBatch batch, SampledTokens out) {
                Arrays.fill(out.ids, 0, batch.numRows, 7);
            }

            @Override
            public void logprobs(
                    Tensor logits, int vocabSize, int[] targets, int numTop, int numRows, SampledTokens out) {}
        };
        Backend backend = proxy(Backend.class, "maxStepsInFlight", stepsInFlight, "sampling", sampling);
        PagedKvCache kvCache = proxy(PagedKvCache.class, "blockSize", config.blockSize(), "numLayers", 1);
        return new ModelRunner(
                backend,
                new FreeModel(),
                kvCache,
                config.maxNumSeqs(),
                config.maxNumBatchedTokens(),
                config.maxModelLen());
    }

    /** Answers two methods; all others return 0 or null. */
    private static <T> T proxy(Class<T> type, String name, Object value, String otherName, Object otherValue) {
        return type.cast(
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
                    if (method.getName().equals(name)) {
                        return value;
                    }
                    if (method.getName().equals(otherName)) {
                        return otherValue;
                    }
                    return method.getReturnType() == long.class ? (Object) 0L : null;
                }));
    }

    private static final class FreeModel implements CausalLm {
        private final Tensor logits = new Tensor(DType.F32, Shape.of(1, 1), new Storage.Floats(new float[1]));

        @Override
        public int vocabSize() {
            return 32_000;
        }

        @Override
        public long weightBytesPerStep() {
            return 0;
        }

        @Override
        public void forward(int[] tokenIds, AttentionMetadata metadata, PagedKvCache cache) {}

        @Override
        public Tensor logits(int[] rows, int numRows) {
            return logits;
        }

        @Override
        public void close() {}
    }
}
