package dev.quire.kernel.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;
import dev.quire.kernel.cpu.ReferenceSampling;
import dev.quire.tensor.Arena;
import dev.quire.tensor.DType;
import dev.quire.tensor.Shape;
import dev.quire.tensor.Storage;
import dev.quire.tensor.Tensor;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same ids as the reference draws on the CPU, from the same logits. */
class CudaSamplingTest {
    private static final ReferenceSampling REFERENCE = new ReferenceSampling();
    private static CudaBackend cuda;

    @BeforeAll
    static void open() {
        cuda = TestDevice.open();
    }

    @AfterAll
    static void close() {
        if (cuda != null) {
            cuda.close();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5, 100, 1000, 8193, 32003})
    void randomParametersMatchTheReference(int vocabSize) {
        Random random = new Random(vocabSize);
        for (int round = 0; round < 10; round++) {
            int rows = 1 + random.nextInt(12);
            SamplingBatch batch = new SamplingBatch(rows);
            batch.numRows = rows;
            float[] x = new float[rows * vocabSize];
            for (int row = 0; row < rows; row++) {
                fillRow(random, x, row * vocabSize, vocabSize);
                randomize(batch, row, random, vocabSize);
            }
            SampledTokens expected = new SampledTokens(rows);
            REFERENCE.sample(hostTensor(x.clone(), rows, vocabSize), vocabSize, batch, expected);
            try (Arena arena = cuda.newArena()) {
                SampledTokens out = new SampledTokens(rows);
                cuda.sampling().sample(deviceTensor(arena, x, rows, vocabSize), vocabSize, batch, out);
                cuda.awaitStep(cuda.recordStep());
                assertSame(out, expected, rows);
            }
        }
    }

    @Test
    void twoStepsMayBeInFlight() {
        int vocabSize = 5000;
        int rows = 40;
        Random random = new Random(5);
        try (Arena arena = cuda.newArena()) {
            int steps = 6;
            SamplingBatch[] batches = new SamplingBatch[steps];
            Tensor[] logits = new Tensor[steps];
            SampledTokens[] out = new SampledTokens[steps];
            SampledTokens[] expected = new SampledTokens[steps];
            for (int step = 0; step < steps; step++) {
                float[] x = new float[rows * vocabSize];
                SamplingBatch batch = new SamplingBatch(rows);
                batch.numRows = rows;
                for (int row = 0; row < rows; row++) {
                    fillRow(random, x, row * vocabSize, vocabSize);
                    randomize(batch, row, random, vocabSize);
                }
                batches[step] = batch;
                logits[step] = deviceTensor(arena, x, rows, vocabSize);
                out[step] = new SampledTokens(rows);
                expected[step] = new SampledTokens(rows);
                REFERENCE.sample(hostTensor(x, rows, vocabSize), vocabSize, batch, expected[step]);
            }
            long[] marks = new long[steps];
            for (int step = 0; step < steps; step++) {
                cuda.sampling().sample(logits[step], vocabSize, batches[step], out[step]);
                marks[step] = cuda.recordStep();
                if (step > 0) {
                    cuda.awaitStep(marks[step - 1]);
                    assertSame(out[step - 1], expected[step - 1], rows);
                }
            }
            cuda.awaitStep(marks[steps - 1]);
            assertSame(out[steps - 1], expected[steps - 1], rows);
        }
    }

    @Test
    void promptLogprobsReportTheTargets() {
        int rows = 5;
        int vocabSize = 3000;
        Random random = new Random(6);
        float[] x = new float[rows * vocabSize];
        for (int row = 0; row < rows; row++) {
            fillRow(random, x, row * vocabSize, vocabSize);
        }
        x[3 * vocabSize + 7] = Float.NaN;
        int[] targets = random.ints(rows, 0, vocabSize).toArray();
        for (int numTop : new int[] {0, 5, 100, Integer.MAX_VALUE}) {
            SampledTokens expected = new SampledTokens(rows);
            REFERENCE.logprobs(hostTensor(x.clone(), rows, vocabSize), vocabSize, targets, numTop, rows, expected);
            try (Arena arena = cuda.newArena()) {
                SampledTokens out = new SampledTokens(rows);
                Tensor logits = deviceTensor(arena, x, rows, vocabSize);
                cuda.sampling().logprobs(logits, vocabSize, targets, numTop, rows, out);
                cuda.synchronize();
                assertSame(out, expected, rows);
            }
        }
    }

    private static void assertSame(SampledTokens out, SampledTokens expected, int rows) {
        assertThat(out.ids).containsExactly(expected.ids);
        assertThat(out.ranks).containsExactly(expected.ranks);
        for (int row = 0; row < rows; row++) {
            assertThat(out.topIds[row]).isEqualTo(expected.topIds[row]);
            assertClose(out.logprobs[row], expected.logprobs[row]);
            for (int i = 0; out.topIds[row] != null && i < out.topIds[row].length; i++) {
                assertClose(out.topLogprobs[row][i], expected.topLogprobs[row][i]);
            }
        }
    }

    private static void assertClose(float actual, float expected) {
        if (Float.isFinite(expected)) {
            assertThat(actual).isCloseTo(expected, within(1e-5f * Math.max(1, Math.abs(expected))));
        } else {
            assertThat(Float.compare(actual, expected)).isZero();
        }
    }

    private static Tensor hostTensor(float[] x, int rows, int vocabSize) {
        return new Tensor(DType.F32, Shape.of(rows, vocabSize), new Storage.Floats(x));
    }

    private static Tensor deviceTensor(Arena arena, float[] x, int rows, int vocabSize) {
        Tensor tensor = arena.allocate("logits", DType.F32, rows, vocabSize);
        // The arena zeroes memory in the backend's own order.
        cuda.synchronize();
        TestDevice.put(tensor, x);
        return tensor;
    }

    private static void fillRow(Random random, float[] x, int from, int vocabSize) {
        float spread = new float[] {0f, 0.1f, 1f, 4f, 20f}[random.nextInt(5)];
        boolean coarse = random.nextInt(3) == 0;
        for (int i = from; i < from + vocabSize; i++) {
            float value = spread * (float) random.nextGaussian();
            x[i] = coarse ? Math.round(value) : value;
        }
        if (random.nextInt(10) == 0) {
            float[] special = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
            x[from + random.nextInt(vocabSize)] = special[random.nextInt(3)];
        }
    }

    private static void randomize(SamplingBatch batch, int row, Random random, int vocabSize) {
        batch.slot[row] = row;
        batch.temperature[row] = new float[] {0f, 1f, 0.01f, 0.7f, 2f}[random.nextInt(5)];
        batch.topP[row] = random.nextBoolean() ? 1f : Math.max(1e-4f, random.nextFloat());
        batch.topK[row] = random.nextBoolean() ? 0 : 1 + random.nextInt(2 * vocabSize);
        batch.minP[row] = random.nextInt(3) > 0 ? 0f : random.nextFloat();
        batch.seed[row] = random.nextLong();
        batch.counter[row] = random.nextInt(10_000);
        batch.numLogprobs[row] = new int[] {-1, -1, 0, 5, 300, Integer.MAX_VALUE}[random.nextInt(6)];
        batch.repetitionPenalty[row] = 1f;
        if (random.nextInt(3) == 0) {
            batch.repetitionPenalty[row] = 0.5f + random.nextFloat();
            batch.frequencyPenalty[row] = random.nextFloat() * 4 - 2;
            batch.presencePenalty[row] = random.nextFloat() * 4 - 2;
            batch.tokens[row] = random.ints(200, 0, vocabSize).toArray();
            batch.numTokens[row] = random.nextInt(201);
            batch.numPromptTokens[row] = random.nextInt(batch.numTokens[row] + 1);
        }
        if (random.nextInt(4) == 0) {
            batch.bannedIds[row] = random.ints(3, 0, vocabSize + 2).toArray();
        }
        if (random.nextInt(4) == 0) {
            batch.allowedIds[row] = random.ints(9, 0, vocabSize).toArray();
        }
        if (random.nextInt(4) == 0) {
            batch.biasIds[row] = random.ints(3, 0, vocabSize).toArray();
            batch.biases[row] = new float[] {random.nextFloat() * 200 - 100, 1.5f, -random.nextFloat()};
        }
        if (random.nextInt(4) == 0) {
            int[] words = new int[(vocabSize + 31) / 32];
            Arrays.setAll(words, i -> random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(2) - 1);
            batch.tokenMask[row] = words;
        }
    }
}
