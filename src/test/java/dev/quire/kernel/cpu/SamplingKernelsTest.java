package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;
import dev.quire.tensor.Tensor;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplingKernelsTest {
    private static final WorkerPool POOL = new WorkerPool(3);
    private static final CpuSampling CPU = new CpuSampling(POOL, LoopChoice.fastest());
    private static final ReferenceSampling REFERENCE = new ReferenceSampling();
    private static final float INFINITY = Float.POSITIVE_INFINITY;

    @AfterAll
    static void close() {
        POOL.close();
    }

    /** A batch of neutral rows at temperature 1. */
    private static SamplingBatch batch(int numRows) {
        SamplingBatch batch = new SamplingBatch(numRows);
        batch.numRows = numRows;
        Arrays.fill(batch.temperature, 1f);
        Arrays.fill(batch.topP, 1f);
        Arrays.fill(batch.repetitionPenalty, 1f);
        Arrays.fill(batch.numLogprobs, -1);
        for (int row = 0; row < numRows; row++) {
            batch.counter[row] = row;
        }
        return batch;
    }

    private static Tensor logits(float[]... rows) {
        Tensor tensor = AttentionCase.tensor(rows.length + 1, rows[0].length + 3);
        for (int row = 0; row < rows.length; row++) {
            System.arraycopy(
                    rows[row], 0, tensor.floats(), (int) tensor.offset() + row * tensor.rowStride(), rows[row].length);
        }
        return tensor;
    }

    private static int[] sample(float[] row, SamplingBatch batch) {
        float[][] rows = new float[batch.numRows][];
        Arrays.fill(rows, row);
        SampledTokens out = new SampledTokens(batch.numRows);
        CPU.sample(logits(rows), row.length, batch, out);
        SampledTokens reference = new SampledTokens(batch.numRows);
        REFERENCE.sample(logits(rows), row.length, batch, reference);
        assertThat(out.ids).containsExactly(reference.ids);
        return out.ids;
    }

    private static int sampleOne(SamplingBatch batch, float... row) {
        return sample(row, batch)[0];
    }

    private static SamplingBatch greedy() {
        SamplingBatch batch = batch(1);
        batch.temperature[0] = 0f;
        return batch;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 8, 9, 31, 100, 511, 513, 8192, 32003})
    void greedyTakesTheLowestOfTheBest(int vocabSize) {
        Random random = new Random(vocabSize);
        for (int round = 0; round < 20; round++) {
            float[] x = new float[vocabSize];
            for (int i = 0; i < vocabSize; i++) {
                x[i] = random.nextInt(50) - 80;
            }
            int best = 0;
            for (int i = 0; i < vocabSize; i++) {
                best = x[i] > x[best] ? i : best;
            }
            assertThat(sampleOne(greedy(), x)).isEqualTo(best);
        }
    }

    @Test
    void greedyEdges() {
        assertThat(sampleOne(greedy(), -INFINITY, -3f, -INFINITY)).isEqualTo(1);
        assertThat(sampleOne(greedy(), -INFINITY, -INFINITY)).isEqualTo(-1);
        assertThat(sampleOne(greedy(), 1f, INFINITY, INFINITY)).isEqualTo(1);
        assertThat(sampleOne(greedy(), -0f, 0f)).isEqualTo(0);
        assertThat(sampleOne(greedy(), 0f, -0f)).isEqualTo(0);
        assertThat(sampleOne(greedy(), -1f, -0f, 0f)).isEqualTo(1);
    }

    @Test
    void nanAnywhereGivesNoToken() {
        float negativeNan = Float.intBitsToFloat(0xffc00001);
        for (int vocabSize : new int[] {1, 9, 700}) {
            for (float nan : new float[] {Float.NaN, negativeNan}) {
                for (int at : new int[] {0, vocabSize / 2, vocabSize - 1}) {
                    float[] x = new float[vocabSize];
                    x[at] = nan;
                    assertThat(sampleOne(greedy(), x)).isEqualTo(-1);
                    assertThat(sampleOne(batch(1), x)).isEqualTo(-1);
                    SamplingBatch hidden = batch(1);
                    hidden.bannedIds[0] = new int[] {at};
                    assertThat(sampleOne(hidden, x)).isEqualTo(-1);
                }
            }
        }
    }

    @Test
    void infiniteLogitsShareTheProbability() {
        SamplingBatch batch = batch(200);
        int[] ids = sample(new float[] {5f, INFINITY, 7f, INFINITY, -INFINITY}, batch);
        assertThat(ids).containsOnly(1, 3);
    }

    @Test
    void aSinglePossibleTokenIsDrawn() {
        float[] x = new float[1000];
        Arrays.fill(x, -INFINITY);
        x[777] = -50f;
        assertThat(sample(x, batch(50))).containsOnly(777);
    }

    @Test
    void masksAndBiasDecideWhatMayBeDrawn() {
        float[] x = {4f, 3f, 2f, 1f, 0f};
        SamplingBatch batch = greedy();
        batch.allowedIds[0] = new int[] {3, 1, 99};
        assertThat(sampleOne(batch, x)).isEqualTo(1);
        batch.bannedIds[0] = new int[] {1, 99};
        assertThat(sampleOne(batch, x)).isEqualTo(3);
        batch.biasIds[0] = new int[] {1, 4, 99};
        batch.biases[0] = new float[] {100f, 100f, 100f};
        assertThat(sampleOne(batch, x)).isEqualTo(3);
        batch.allowedIds[0] = null;
        assertThat(sampleOne(batch, x)).isEqualTo(4);
        batch.tokenMask[0] = new int[] {0b01110};
        assertThat(sampleOne(batch, x)).isEqualTo(2);
        batch.tokenMask[0] = new int[] {0b00010};
        assertThat(sampleOne(batch, x)).as("only the banned token is left").isEqualTo(-1);
        batch.temperature[0] = 1f;
        assertThat(sampleOne(batch, x)).isEqualTo(-1);
    }

    @Test
    void penaltiesFollowTheFormula() {
        SamplingBatch batch = greedy();
        batch.tokens[0] = new int[] {0, 0, 1, 2, 2, 7};
        batch.numPromptTokens[0] = 2;
        batch.numTokens[0] = 5;
        batch.repetitionPenalty[0] = 2f;
        // 0 only in the prompt: halved; 1 generated once, 2 twice.
        assertThat(sampleOne(batch, 4f, -1f, 6f, 2.5f, -3f)).isEqualTo(2);
        batch.frequencyPenalty[0] = 0.25f;
        batch.presencePenalty[0] = 0.125f;
        // 2 has 6 / 2 - 2 × 0.25 - 0.125 = 2.375.
        assertThat(sampleOne(batch, 4f, -1f, 6f, 2.3f, -3f)).isEqualTo(2);
        assertThat(sampleOne(batch, 4f, -1f, 6f, 2.4f, -3f)).isEqualTo(3);
        // Negative logits are multiplied: -1 × 2 - 0.375 = -2.375.
        assertThat(sampleOne(batch, -9f, -1f, -9f, -2.4f, -9f)).isEqualTo(1);
        assertThat(sampleOne(batch, -9f, -1f, -9f, -2.3f, -9f)).isEqualTo(3);
    }

    @Test
    void topKKeepsTiesAndMayExceedTheVocabulary() {
        float[] x = {1f, 3f, 2f, 3f, 2f, 2f, 0f};
        SamplingBatch batch = batch(400);
        Arrays.fill(batch.topK, 3);
        assertThat(sample(x, batch)).containsOnly(1, 3, 2, 4, 5);
        Arrays.fill(batch.topK, 2);
        assertThat(sample(x, batch)).containsOnly(1, 3);
        Arrays.fill(batch.topK, 100);
        assertThat(sample(x, batch)).containsOnly(0, 1, 2, 3, 4, 5, 6);
        Arrays.fill(batch.topK, 1);
        assertThat(sample(new float[] {1f, 2f, 5f}, batch)).containsOnly(2);
    }

    @Test
    void topPKeepsTheSmallestSetAndLowerIdsFirst() {
        float[] x = new float[4];
        for (int i = 0; i < 4; i++) {
            x[i] = (float) Math.log(new double[] {0.1, 0.4, 0.1, 0.4}[i]);
        }
        SamplingBatch batch = batch(400);
        Arrays.fill(batch.topP, 0.39f);
        assertThat(sample(x, batch)).containsOnly(1);
        Arrays.fill(batch.topP, 0.41f);
        assertThat(sample(x, batch)).containsOnly(1, 3);
        Arrays.fill(batch.topP, 0.85f);
        assertThat(sample(x, batch)).containsOnly(0, 1, 3);
        Arrays.fill(batch.topP, 1e-6f);
        assertThat(sample(x, batch)).containsOnly(1);
    }

    @Test
    void minPIsRelativeToTheBest() {
        float[] x = {(float) Math.log(0.5), (float) Math.log(0.2), (float) Math.log(0.09), (float) Math.log(0.21)};
        SamplingBatch batch = batch(400);
        Arrays.fill(batch.minP, 0.19f);
        assertThat(sample(x, batch)).containsOnly(0, 1, 3);
        Arrays.fill(batch.minP, 0.41f);
        assertThat(sample(x, batch)).containsOnly(0, 3);
        Arrays.fill(batch.minP, 1f);
        assertThat(sample(x, batch)).containsOnly(0);
    }

    /** χ² over the drawn ids, each expected often enough. */
    @ParameterizedTest
    @ValueSource(strings = {"plain", "temperature", "topP", "topK", "minP"})
    void drawsFollowTheDistribution(String mode) {
        int vocabSize = 40;
        int draws = 100_000;
        float[] x = new float[vocabSize];
        Random random = new Random(3);
        for (int i = 0; i < vocabSize; i++) {
            x[i] = (float) random.nextGaussian();
        }
        float temperature = mode.equals("temperature") ? 0.7f : 1f;
        double[] p = new double[vocabSize];
        for (int i = 0; i < vocabSize; i++) {
            p[i] = Math.exp(x[i] / temperature);
        }
        double[] sorted = p.clone();
        Arrays.sort(sorted);
        double smallest = 0;
        if (mode.equals("topK")) {
            smallest = sorted[vocabSize - 10];
        } else if (mode.equals("minP")) {
            smallest = sorted[vocabSize - 1] * 0.05;
        } else if (mode.equals("topP")) {
            double mass = 0;
            for (int i = vocabSize - 1; mass < 0.8 * Arrays.stream(p).sum(); i--) {
                mass += sorted[i];
                smallest = sorted[i];
            }
        }
        double total = 0;
        for (int i = 0; i < vocabSize; i++) {
            p[i] = p[i] < smallest ? 0 : p[i];
            total += p[i];
        }
        int[] counts = new int[vocabSize];
        int rows = 500;
        float[][] same = new float[rows][];
        Arrays.fill(same, x);
        for (int round = 0; round < draws / rows; round++) {
            SamplingBatch batch = batch(rows);
            Arrays.fill(batch.temperature, temperature);
            Arrays.fill(batch.topP, mode.equals("topP") ? 0.8f : 1f);
            Arrays.fill(batch.topK, mode.equals("topK") ? 10 : 0);
            Arrays.fill(batch.minP, mode.equals("minP") ? 0.05f : 0f);
            Arrays.fill(batch.seed, 1000 + round / 2);
            for (int row = 0; row < rows; row++) {
                batch.counter[row] = (round % 2) * rows + row;
            }
            SampledTokens out = new SampledTokens(rows);
            CPU.sample(logits(same), vocabSize, batch, out);
            for (int id : out.ids) {
                counts[id]++;
            }
        }
        double chiSquared = 0;
        int degrees = -1;
        for (int i = 0; i < vocabSize; i++) {
            double expected = draws * p[i] / total;
            if (expected == 0) {
                assertThat(counts[i]).isZero();
                continue;
            }
            chiSquared += (counts[i] - expected) * (counts[i] - expected) / expected;
            degrees++;
        }
        // Wilson and Hilferty: 4 standard deviations above the mean of the cube root.
        double bound = degrees * Math.pow(1 - 2.0 / (9 * degrees) + 4 * Math.sqrt(2.0 / (9 * degrees)), 3);
        assertThat(chiSquared).isLessThan(bound).isGreaterThan(degrees * 0.1);
    }

    @Test
    void aDrawDependsOnNothingElseInTheBatch() {
        Random random = new Random(4);
        int rows = 30;
        float[][] x = new float[rows][3000];
        SamplingBatch batch = batch(rows);
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < x[row].length; i++) {
                x[row][i] = 3 * (float) random.nextGaussian();
            }
            batch.seed[row] = random.nextLong();
            batch.topP[row] = row % 2 == 0 ? 0.9f : 1f;
            batch.topK[row] = row % 3 == 0 ? 40 : 0;
        }
        SampledTokens together = new SampledTokens(rows);
        CPU.sample(logits(x), 3000, batch, together);
        for (int row = 0; row < rows; row++) {
            SamplingBatch alone = batch(1);
            alone.seed[0] = batch.seed[row];
            alone.counter[0] = batch.counter[row];
            alone.topP[0] = batch.topP[row];
            alone.topK[0] = batch.topK[row];
            assertThat(sampleOne(alone, x[row])).isEqualTo(together.ids[row]);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5, 16, 100, 193, 1000, 5003})
    void randomParametersMatchTheReference(int vocabSize) {
        Random random = new Random(vocabSize);
        for (int round = 0; round < 60; round++) {
            int rows = 1 + random.nextInt(8);
            float[][] x = new float[rows][];
            SamplingBatch batch = batch(rows);
            for (int row = 0; row < rows; row++) {
                x[row] = randomRow(random, vocabSize);
                randomize(batch, row, random, vocabSize);
            }
            Tensor cpuLogits = logits(x);
            SampledTokens cpu = new SampledTokens(rows + 1);
            cpu.ids[rows] = 12345;
            CPU.sample(cpuLogits, vocabSize, batch, cpu);
            SampledTokens reference = new SampledTokens(rows + 1);
            reference.ids[rows] = 12345;
            REFERENCE.sample(logits(x), vocabSize, batch, reference);
            assertThat(cpu.ids).containsExactly(reference.ids);
            assertThat(cpu.ranks).containsExactly(reference.ranks);
            for (int row = 0; row < rows; row++) {
                assertThat(cpu.topIds[row]).isEqualTo(reference.topIds[row]);
                assertClose(cpu.logprobs[row], reference.logprobs[row]);
                for (int i = 0; cpu.topIds[row] != null && i < cpu.topIds[row].length; i++) {
                    assertClose(cpu.topLogprobs[row][i], reference.topLogprobs[row][i]);
                }
            }
            float[] floats = cpuLogits.floats();
            for (int row = 0; row < rows; row++) {
                int end = (int) cpuLogits.offset() + row * cpuLogits.rowStride() + vocabSize;
                assertThat(floats[end]).as("column beyond the vocabulary").isNaN();
            }
        }
    }

    private static void assertClose(float actual, float expected) {
        if (Float.isFinite(expected)) {
            assertThat(actual).isCloseTo(expected, within(2e-6f * Math.max(1, Math.abs(expected))));
        } else {
            assertThat(Float.compare(actual, expected)).isZero();
        }
    }

    private static float[] randomRow(Random random, int vocabSize) {
        float[] x = new float[vocabSize];
        float spread = new float[] {0f, 0.1f, 1f, 4f, 20f}[random.nextInt(5)];
        boolean coarse = random.nextInt(3) == 0;
        for (int i = 0; i < vocabSize; i++) {
            float value = spread * (float) random.nextGaussian();
            x[i] = coarse ? Math.round(value) : value;
        }
        return x;
    }

    private static void randomize(SamplingBatch batch, int row, Random random, int vocabSize) {
        batch.temperature[row] = new float[] {0f, 1f, 0.01f, 0.7f, 2f}[random.nextInt(5)];
        batch.topP[row] = random.nextBoolean() ? 1f : Math.max(1e-4f, random.nextFloat());
        batch.topK[row] = random.nextBoolean() ? 0 : 1 + random.nextInt(2 * vocabSize);
        batch.minP[row] = random.nextInt(3) > 0 ? 0f : random.nextFloat();
        batch.seed[row] = random.nextLong();
        batch.counter[row] = random.nextInt(10_000);
        batch.numLogprobs[row] = new int[] {-1, -1, 0, 5, 300, Integer.MAX_VALUE}[random.nextInt(6)];
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
            batch.biasIds[row] = new int[] {random.nextInt(vocabSize)};
            batch.biases[row] = new float[] {random.nextFloat() * 200 - 100};
        }
        if (random.nextInt(4) == 0) {
            batch.tokenMask[row] = random.ints((vocabSize + 31) / 32)
                    .map(word -> random.nextInt(3) == 0 ? word : random.nextInt(2) - 1)
                    .toArray();
        }
    }

    @Test
    void promptLogprobsReportTheTarget() {
        float[][] x = {{1f, 2f, 3f}, {0f, 0f, INFINITY}, {1f, Float.NaN, 2f}};
        SampledTokens out = new SampledTokens(3);
        CPU.logprobs(logits(x), 3, new int[] {1, 2, 0}, 2, 3, out);
        double logTotal = Math.log(Math.exp(1) + Math.exp(2) + Math.exp(3));
        assertThat(out.logprobs[0]).isCloseTo((float) (2 - logTotal), within(1e-6f));
        assertThat(out.ranks[0]).isEqualTo(2);
        assertThat(out.topIds[0]).containsExactly(2, 1);
        assertThat(out.topLogprobs[0][0]).isCloseTo((float) (3 - logTotal), within(1e-6f));
        assertThat(out.logprobs[1]).isZero();
        assertThat(out.topIds[1]).containsExactly(2, 0);
        assertThat(out.topIds[2]).isNull();
    }
}
