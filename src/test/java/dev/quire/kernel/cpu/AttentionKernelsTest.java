package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.kernel.AttentionKernels;
import dev.quire.kernel.AttentionParams;
import dev.quire.kernel.KvScales;
import dev.quire.tensor.DType;
import dev.quire.tensor.OutOfDeviceMemoryException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AttentionKernelsTest {
    private static final WorkerPool POOL = new WorkerPool(3);
    private static final CpuKvCache CACHES = new CpuKvCache(POOL);
    private static final CpuAttention CPU = new CpuAttention(POOL, LoopChoice.fastest());
    private static final ReferenceAttention REFERENCE = new ReferenceAttention(POOL);

    @AfterAll
    static void close() {
        POOL.close();
    }

    private static AttentionParams params(int numHeads, int numKvHeads, int headDim) {
        return new AttentionParams(numHeads, numKvHeads, headDim, (float) (1 / Math.sqrt(headDim)), 0, 0f, null);
    }

    private static void check(AttentionCase attentionCase, AttentionKernels kernels, int chunk, int block, DType type) {
        double[][] expected = attentionCase.expected(type);
        float[][] actual = attentionCase.run(CACHES, kernels, attentionCase.steps(chunk), block, type, 1);
        assertThat(worstError(expected, actual)).isLessThan(3e-6 * Math.max(1, attentionCase.params.softCap() / 10));
    }

    private static double worstError(double[][] expected, float[][] actual) {
        double worst = 0;
        for (int s = 0; s < expected.length; s++) {
            for (int i = 0; i < expected[s].length; i++) {
                // Math.max keeps NaN.
                worst = Math.max(worst, Math.abs(actual[s][i] - expected[s][i]));
            }
        }
        return worst;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 8, 20, 64, 80, 96, 128, 256})
    void matchesTheFormulaForAnyHeadDim(int headDim) {
        AttentionCase attentionCase = new AttentionCase(params(4, 2, headDim), headDim, 1, 17, 70);
        check(attentionCase, REFERENCE, 33, 16, DType.F32);
        check(attentionCase, CPU, 33, 16, DType.F32);
        check(attentionCase, CPU, 7, 16, DType.BF16);
        check(attentionCase, CPU, 7, 16, DType.F8_E4M3);
    }

    @ParameterizedTest
    @CsvSource({"1,1", "2,1", "3,3", "6,2", "5,1", "14,2", "9,3", "32,2", "40,1"})
    void matchesTheFormulaForAnyGrouping(int numHeads, int numKvHeads) {
        AttentionCase attentionCase = new AttentionCase(params(numHeads, numKvHeads, 24), 3, 65, 5, 130);
        check(attentionCase, REFERENCE, 64, 32, DType.BF16);
        check(attentionCase, CPU, 64, 32, DType.BF16);
        check(attentionCase, REFERENCE, 64, 32, DType.F8_E4M3);
        check(attentionCase, CPU, 64, 32, DType.F8_E4M3);
        check(attentionCase, CPU, 1, 16, DType.F32);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 8, 16, 24, 32, 48, 128})
    void matchesTheFormulaForAnyBlockSize(int blockSize) {
        AttentionCase attentionCase = new AttentionCase(params(4, 2, 20), 4, 150, 16, 63);
        check(attentionCase, REFERENCE, 50, blockSize, DType.F32);
        check(attentionCase, CPU, 50, blockSize, DType.F32);
        check(attentionCase, CPU, 50, blockSize, DType.BF16);
        check(attentionCase, CPU, 50, blockSize, DType.F8_E4M3);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 16, 64, 65, 300, 1000})
    void seesOnlyTheSlidingWindow(int window) {
        AttentionParams params = new AttentionParams(4, 2, 16, 0.25f, window, 0f, null);
        AttentionCase attentionCase = new AttentionCase(params, 5, 700, 40);
        check(attentionCase, REFERENCE, 100, 16, DType.F32);
        check(attentionCase, CPU, 100, 16, DType.F32);
        check(attentionCase, CPU, 100, 16, DType.F8_E4M3);
    }

    @Test
    void capsScoresAndCountsSinks() {
        float[] sinks = {0.5f, -3f, 7f, Float.NEGATIVE_INFINITY};
        AttentionParams both = new AttentionParams(4, 2, 16, 2f, 40, 30f, sinks);
        AttentionParams sinksOnly = new AttentionParams(4, 4, 16, 0.25f, 0, 0f, sinks);
        for (AttentionParams params : List.of(both, sinksOnly)) {
            AttentionCase attentionCase = new AttentionCase(params, 6, 350, 9);
            check(attentionCase, REFERENCE, 64, 16, DType.F32);
            check(attentionCase, CPU, 64, 16, DType.F32);
            check(attentionCase, CPU, 64, 16, DType.F8_E4M3);
        }
    }

    @Test
    void largeScoresDoNotOverflow() {
        AttentionParams params = new AttentionParams(2, 1, 64, 30f, 0, 0f, null);
        AttentionCase attentionCase = new AttentionCase(params, 7, 100);
        double[][] expected = attentionCase.expected(DType.F32);
        float[][] actual = attentionCase.run(CACHES, CPU, attentionCase.steps(40), 16, DType.F32, 1);
        // Scores reach some hundreds: their own rounding error is about 1e-4, and it is an exponent here.
        assertThat(worstError(expected, actual)).isLessThan(2e-3);
    }

    /** The promise that greedy ids rest on: batch, chunks, blocks and threads do not change a single bit. */
    @ParameterizedTest
    @CsvSource({"64,4,2", "20,3,1", "128,8,1"})
    void bitsDoNotDependOnBatchChunksBlocksOrThreads(int headDim, int numHeads, int numKvHeads) {
        for (DType type : CACHES.supportedTypes()) {
            AttentionCase together = new AttentionCase(params(numHeads, numKvHeads, headDim), 8, 600, 35, 270);
            float[][] whole = together.run(CACHES, CPU, together.steps(600), 16, type, 1);
            for (int chunk : new int[] {1, 13, 64, 256}) {
                assertSameBits(whole, together.run(CACHES, CPU, together.steps(chunk), 32, type, chunk));
            }
            assertSameBits(whole, together.run(CACHES, CPU, together.steps(100), 8, type, 2));
            assertSameBits(whole, together.run(CACHES, CPU, alone(together), 16, type, 3));
            try (WorkerPool one = new WorkerPool(1)) {
                assertSameBits(
                        whole,
                        together.run(
                                CACHES, new CpuAttention(one, LoopChoice.fastest()), together.steps(77), 16, type, 4));
            }
        }
    }

    /** Every token by itself: pure decode, one sequence at a time, where long contexts are split over threads. */
    private static List<List<AttentionCase.Part>> alone(AttentionCase attentionCase) {
        List<List<AttentionCase.Part>> steps = new ArrayList<>();
        for (int s = 0; s < attentionCase.lengths.length; s++) {
            for (int t = 0; t < attentionCase.lengths[s]; t++) {
                steps.add(List.of(new AttentionCase.Part(s, t, t + 1)));
            }
        }
        return steps;
    }

    private static void assertSameBits(float[][] expected, float[][] actual) {
        for (int s = 0; s < expected.length; s++) {
            // Unlike ==, this tells -0 from 0.
            assertThat(Arrays.mismatch(actual[s], expected[s]))
                    .as("first difference in sequence %d", s)
                    .isEqualTo(-1);
        }
    }

    @Test
    void mixesLongPrefillWithDecodeRows() {
        AttentionCase attentionCase = new AttentionCase(params(8, 2, 32), 9, 500, 300, 1, 90);
        List<List<AttentionCase.Part>> steps = List.of(
                List.of(new AttentionCase.Part(1, 0, 299)),
                List.of(
                        new AttentionCase.Part(1, 299, 300),
                        new AttentionCase.Part(0, 0, 450),
                        new AttentionCase.Part(2, 0, 1)),
                List.of(new AttentionCase.Part(0, 450, 500), new AttentionCase.Part(3, 0, 90)));
        double[][] expected = attentionCase.expected(DType.F32);
        float[][] actual = attentionCase.run(CACHES, CPU, steps, 16, DType.F32, 1);
        assertThat(worstError(expected, actual)).isLessThan(3e-6);
    }

    /** What an earlier owner left in a block, even NaN, never reaches a later one. */
    @Test
    void staleCacheContentsAreInvisible() {
        AttentionCase attentionCase = new AttentionCase(params(4, 2, 16), 10, 37, 5);
        int[][] blocks = attentionCase.blocks(16, 1);
        for (DType type : CACHES.supportedTypes()) {
            CpuPagedKvCache cache = new CpuPagedKvCache(16, 16, 2, 16, type, AttentionCase.SCALES);
            poison(cache);
            float[][] actual = attentionCase.run(cache, CACHES, CPU, attentionCase.steps(10), blocks);
            float[][] expected = attentionCase.run(CACHES, CPU, attentionCase.steps(10), 16, type, 1);
            assertSameBits(expected, actual);
        }
    }

    private static void poison(CpuPagedKvCache cache) {
        cache.prepare(0);
        if (cache.type() == DType.F32) {
            Arrays.fill(cache.floatKeys(1, 0), Float.NaN);
            Arrays.fill(cache.floatValues(1, 0), Float.NaN);
        } else if (cache.type() == DType.F8_E4M3) {
            Arrays.fill(cache.byteKeys(1, 0), (byte) 0x7f);
            Arrays.fill(cache.byteValues(1, 0), (byte) 0x7f);
        } else {
            Arrays.fill(cache.shortKeys(1, 0), (short) 0x7fc0);
            Arrays.fill(cache.shortValues(1, 0), (short) 0x7fc0);
        }
    }

    @Test
    void cacheInSeveralArraysGivesTheSame() {
        AttentionCase attentionCase = new AttentionCase(params(4, 2, 16), 11, 300, 80);
        int[][] blocks = attentionCase.blocks(16, 7);
        int numBlocks = 1 + blocks[0].length + blocks[1].length;
        for (DType type : CACHES.supportedTypes()) {
            CpuPagedKvCache split = new CpuPagedKvCache(numBlocks, 16, 2, 16, type, AttentionCase.SCALES, 2000);
            assertThat(split.chunk(numBlocks - 1)).isGreaterThan(5);
            float[][] actual = attentionCase.run(split, CACHES, CPU, attentionCase.steps(64), blocks);
            float[][] expected = attentionCase.run(CACHES, CPU, attentionCase.steps(64), 16, type, 7);
            assertSameBits(expected, actual);
        }
    }

    @Test
    void blockBytesAreWhatIsAllocated() {
        CpuPagedKvCache cache = new CpuPagedKvCache(10, 16, 2, 20, DType.BF16, KvScales.ones(3));
        assertThat(cache.shortKeys(0, 0)).as("nothing before the first write").isNull();
        cache.prepare(9);
        long bytes = 0;
        for (int layer = 0; layer < 3; layer++) {
            bytes += 2L * (cache.shortKeys(layer, 0).length + cache.shortValues(layer, 0).length);
        }
        assertThat(CACHES.blockBytes(3, 2, 20, 16, DType.BF16) * 10).isEqualTo(bytes);
        CpuPagedKvCache half = new CpuPagedKvCache(10, 16, 2, 20, DType.F8_E4M3, KvScales.ones(3));
        half.prepare(9);
        long halfBytes = 0;
        for (int layer = 0; layer < 3; layer++) {
            halfBytes += half.byteKeys(layer, 0).length + half.byteValues(layer, 0).length;
        }
        assertThat(CACHES.blockBytes(3, 2, 20, 16, DType.F8_E4M3) * 10).isEqualTo(halfBytes);
        assertThat(2 * halfBytes).isEqualTo(bytes);
    }

    @Test
    void refusesWhatTheHeapCannotTake() {
        assertThatThrownBy(() -> CACHES.allocate(100, 1 << 24, 16, 8, 128, DType.F32))
                .isInstanceOf(OutOfDeviceMemoryException.class)
                .hasMessageContaining("KV cache");
        assertThatThrownBy(() -> CACHES.allocate(1, 1, 16, 1, 8, DType.F16))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("F16");
    }

    @Test
    void randomShapesMatchTheReference() {
        Random random = new Random(12);
        for (int round = 0; round < 30; round++) {
            int numKvHeads = 1 + random.nextInt(3);
            int headDim = 1 + random.nextInt(70);
            AttentionParams params = new AttentionParams(
                    numKvHeads * (1 + random.nextInt(5)),
                    numKvHeads,
                    headDim,
                    (float) (1 / Math.sqrt(headDim)),
                    random.nextInt(3) == 0 ? 1 + random.nextInt(90) : 0,
                    random.nextInt(3) == 0 ? 20f : 0f,
                    null);
            AttentionCase attentionCase =
                    new AttentionCase(params, round, 1 + random.nextInt(200), 1 + random.nextInt(90));
            DType type = CACHES.supportedTypes()[round % 3];
            check(attentionCase, CPU, 1 + random.nextInt(120), 1 + random.nextInt(40), type);
        }
    }
}
