package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.kernel.ActivationKernels.Gate;
import dev.quire.kernel.AttentionParams;
import dev.quire.kernel.LinearWeight;
import dev.quire.kernel.RopeTable;
import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The plain and the vector form of every loop give the same bits; logits' loops are in {@link LogitOpsTest}. */
class CpuLoopsTest {
    private static final int[] LENGTHS = {1, 7, 8, 15, 16, 17, 31, 64, 100, 384};

    private final Random random = new Random(11);
    private final WorkerPool pool = new WorkerPool(2);
    private final LoopChoice plain = new LoopChoice(CpuLoops.plain());
    private final LoopChoice vector = new LoopChoice(CpuLoops.vector());

    @AfterEach
    void close() {
        pool.close();
    }

    /** Equal values, NaN where NaN; zeros may differ in sign. */
    private static void assertSame(Tensor actual, Tensor expected) {
        float[] a = actual.floats();
        float[] e = expected.floats();
        for (int i = 0; i < a.length; i++) {
            assertThat(a[i] == e[i] || a[i] != a[i] && e[i] != e[i])
                    .as("element %d: %s, expected %s", i, a[i], e[i])
                    .isTrue();
        }
    }

    @Test
    void products() {
        List<LinearWeight> weights = new ArrayList<>();
        for (DType type : new DType[] {DType.F32, DType.BF16, DType.F16}) {
            weights.add(CpuTensors.dense(random, type, 77, 131, true));
            weights.add(CpuTensors.dense(random, type, 130, 700, false));
        }
        for (int numBits : new int[] {4, 8}) {
            for (boolean symmetric : new boolean[] {true, false}) {
                weights.add(CpuTensors.quantized(random, numBits, 32, symmetric, DType.BF16, 77, 320));
                weights.add(CpuTensors.quantized(random, numBits, 136, symmetric, DType.F16, 40, 136));
            }
        }
        WeightPacker packer = new WeightPacker(pool, new HeapBudget(), 0);
        CpuGemm fast = new CpuGemm(pool, vector, packer);
        CpuGemm slow = new CpuGemm(pool, plain, packer);
        for (LinearWeight weight : weights) {
            for (int numRows : new int[] {1, 2, 3, 4, 5, 6, 11, 40}) {
                CpuLinear linear = packer.pack(weight);
                Tensor x = CpuTensors.random(random, numRows, weight.inFeatures(), 0);
                Tensor expected = CpuTensors.poisoned(numRows, weight.outFeatures(), 3);
                Tensor actual = CpuTensors.poisoned(numRows, weight.outFeatures(), 3);
                fast.matmul(expected, x, linear, numRows);
                slow.matmul(actual, x, linear, numRows);
                assertSame(actual, expected);
            }
        }
    }

    @Test
    void norms() {
        CpuNorm fast = new CpuNorm(pool, vector);
        CpuNorm slow = new CpuNorm(pool, plain);
        for (int length : LENGTHS) {
            Tensor weight = CpuTensors.random(random, 1, length, 0);
            Tensor x = CpuTensors.random(random, 5, length, 0);
            Tensor y = CpuTensors.copy(x);
            Tensor delta = CpuTensors.random(random, 5, length, 0);
            Tensor expected = CpuTensors.poisoned(5, length, 2);
            Tensor actual = CpuTensors.poisoned(5, length, 2);
            fast.rmsNorm(expected, x, weight, 1e-5f, 5);
            slow.rmsNorm(actual, y, weight, 1e-5f, 5);
            assertSame(actual, expected);
            fast.addRmsNorm(expected, x, delta, 0.3f, weight, 1e-5f, 5);
            slow.addRmsNorm(actual, y, delta, 0.3f, weight, 1e-5f, 5);
            assertSame(actual, expected);
            assertSame(y, x);
        }
    }

    @Test
    void gatesAlsoOfExtremes() {
        CpuActivation fast = new CpuActivation(pool, vector);
        CpuActivation slow = new CpuActivation(pool, plain);
        float[] extremes = {0, -0f, 88, -88, 200, -200, 1e-30f, Float.NaN, 3e38f, -3e38f, Float.POSITIVE_INFINITY};
        for (Gate gate : Gate.values()) {
            for (int ffn : LENGTHS) {
                Tensor gateUp = CpuTensors.random(random, 3, 2 * ffn, 0);
                for (int i = 0; i < extremes.length; i++) {
                    gateUp.floats()[i * 5 % gateUp.floats().length] = extremes[i];
                }
                Tensor expected = CpuTensors.poisoned(3, ffn, 1);
                Tensor actual = CpuTensors.poisoned(3, ffn, 1);
                fast.gatedMultiply(expected, gateUp, gate, ffn, 3);
                slow.gatedMultiply(actual, gateUp, gate, ffn, 3);
                assertSame(actual, expected);
            }
        }
    }

    @Test
    void rotations() {
        for (int numPairs : new int[] {3, 8, 20, 32}) {
            for (boolean interleaved : new boolean[] {false, true}) {
                float[] frequencies = new float[numPairs];
                for (int i = 0; i < numPairs; i++) {
                    frequencies[i] = (float) Math.pow(10000, -i / (double) numPairs);
                }
                Tensor x = CpuTensors.random(random, 4, 3 * 2 * numPairs, 0);
                Tensor y = CpuTensors.copy(x);
                int[] positions = {0, 1, 99, 1030};
                for (boolean isFast : new boolean[] {true, false}) {
                    CpuRope rope = new CpuRope(pool, isFast ? vector : plain);
                    rope.rotate(
                            isFast ? x : y,
                            0,
                            3,
                            2 * numPairs,
                            rope.load(new RopeTable(frequencies, 1.1f, interleaved), 2048),
                            positions,
                            4);
                }
                assertSame(y, x);
            }
        }
    }

    @Test
    void attention() {
        float[] sinks = {0.5f, -1, 2, 0.1f};
        List<AttentionParams> cases = List.of(
                new AttentionParams(4, 2, 16, 0.3f, 0, 0, null),
                new AttentionParams(6, 2, 64, 0.125f, 0, 0, null),
                new AttentionParams(4, 4, 20, 0.2f, 37, 0, null),
                new AttentionParams(4, 1, 32, 0.2f, 0, 5, sinks));
        for (AttentionParams params : cases) {
            AttentionCase sequences = new AttentionCase(params, 5, 1, 40, 333);
            for (DType type : new DType[] {DType.F32, DType.BF16, DType.F8_E4M3}) {
                for (int blockSize : new int[] {5, 16}) {
                    CpuKvCache caches = new CpuKvCache(pool);
                    float[][] expected = sequences.run(
                            caches, new CpuAttention(pool, vector), sequences.steps(9), blockSize, type, 1);
                    float[][] actual = sequences.run(
                            caches, new CpuAttention(pool, plain), sequences.steps(77), blockSize, type, 1);
                    for (int s = 0; s < expected.length; s++) {
                        for (int i = 0; i < expected[s].length; i++) {
                            assertThat(actual[s][i] == expected[s][i])
                                    .as("%s %s sequence %d element %d", params, type, s, i)
                                    .isTrue();
                        }
                    }
                }
            }
        }
    }

    /** Every code, at both ends of an array, in one order and another. */
    @Test
    void widening() {
        byte[] codes = new byte[512 + 32];
        for (int i = 0; i < codes.length; i++) {
            codes[i] = (byte) (i < 256 ? i : 37 * i);
        }
        float[] expected = new float[codes.length + 3];
        float[] actual = new float[codes.length + 3];
        plain.current().attention().widen(codes, 16, expected, 3, 512);
        vector.current().attention().widen(codes, 16, actual, 3, 512);
        for (int i = 0; i < expected.length; i++) {
            boolean same = Float.floatToIntBits(actual[i]) == Float.floatToIntBits(expected[i]);
            assertThat(same)
                    .as("element %d: %s, expected %s", i, actual[i], expected[i])
                    .isTrue();
        }
        for (int i = 0; i < 512; i++) {
            assertThat(expected[3 + i]).isEqualTo(Float.valueOf(FloatBits.f8e4m3ToFloat(codes[16 + i])));
        }
        assertThat(expected[3 + 512]).isZero();
    }

    @Test
    void theVectorLoopsAreTakenIntoUseOnceTheyAreFaster() {
        LoopChoice choice = new LoopChoice(CpuLoops.plain());
        new LoopWarmUp(
                        choice,
                        List.of(
                                CpuLinear.of(new HalfMatrix(64, 32, true), 1),
                                CpuLinear.of(new FloatMatrix(64, 32), 1)))
                .run();
        assertThat(choice.current().name()).contains("Vector API");
    }

    @Test
    void anInterruptedWarmUpChangesNothing() {
        LoopChoice choice = new LoopChoice(CpuLoops.plain());
        Thread.currentThread().interrupt();
        new LoopWarmUp(choice, List.of(CpuLinear.of(new HalfMatrix(64, 32, true), 1))).run();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(choice.current().name()).contains("plain");
    }
}
