package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import dev.quire.kernel.ActivationKernels.Gate;
import dev.quire.kernel.LinearWeight;
import dev.quire.kernel.RopeTable;
import dev.quire.tensor.DType;
import dev.quire.tensor.OutOfDeviceMemoryException;
import dev.quire.tensor.Tensor;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Norm, rope, activation, embedding and arena against the plain reference. */
class CpuKernelsTest {
    private static final int[] SIZES = {1, 4, 6, 8, 13, 63, 172, 207, 702, 4100};
    private static final int[] BATCHES = {1, 2, 7, 33, 70};

    private final Random random = new Random(2);
    private final WorkerPool pool = new WorkerPool(3);

    @AfterEach
    void close() {
        pool.close();
    }

    private static float[] weights(Random random, int length) {
        float[] weight = new float[length];
        for (int i = 0; i < length; i++) {
            weight[i] = 1 + 0.1f * (float) random.nextGaussian();
        }
        return weight;
    }

    @Test
    void rmsNorm() {
        CpuNorm norm = new CpuNorm(pool, LoopChoice.fastest());
        ReferenceNorm reference = new ReferenceNorm();
        for (int hidden : SIZES) {
            for (int numRows : BATCHES) {
                Tensor weight = CpuTensors.vector(weights(random, hidden));
                Tensor x = CpuTensors.random(random, numRows + 1, hidden, 3);
                Tensor actual = CpuTensors.poisoned(numRows + 1, hidden + 1, 5);
                Tensor expected = CpuTensors.copy(actual);
                norm.rmsNorm(actual, x, weight, 1e-5f, numRows);
                reference.rmsNorm(expected, x, weight, 1e-5f, numRows);
                CpuTensors.assertClose(actual, expected, numRows, hidden, 1e-6);
                CpuTensors.assertUntouched(actual, numRows, hidden);

                Tensor inPlace = CpuTensors.copy(x);
                norm.rmsNorm(inPlace, inPlace, weight, 1e-5f, numRows);
                CpuTensors.assertClose(inPlace, expected, numRows, hidden, 1e-6);
            }
        }
    }

    @Test
    void addRmsNorm() {
        CpuNorm norm = new CpuNorm(pool, LoopChoice.fastest());
        ReferenceNorm reference = new ReferenceNorm();
        for (int hidden : SIZES) {
            for (int numRows : BATCHES) {
                Tensor weight = CpuTensors.vector(weights(random, hidden));
                Tensor residual = CpuTensors.random(random, numRows, hidden, 3);
                Tensor expectedResidual = CpuTensors.copy(residual);
                Tensor delta = CpuTensors.random(random, numRows, hidden + 2, 1);
                Tensor expected = CpuTensors.poisoned(numRows, hidden, 0);
                reference.addRmsNorm(expected, expectedResidual, delta, 0.22f, weight, 1e-6f, numRows);
                // The output takes the place of delta.
                norm.addRmsNorm(delta, residual, delta, 0.22f, weight, 1e-6f, numRows);
                CpuTensors.assertClose(residual, expectedResidual, numRows, hidden, 1e-6);
                CpuTensors.assertClose(delta, expected, numRows, hidden, 1e-6);
            }
        }
    }

    @Test
    void rmsNormHeads() {
        CpuNorm norm = new CpuNorm(pool, LoopChoice.fastest());
        ReferenceNorm reference = new ReferenceNorm();
        for (int headDim : new int[] {4, 13, 64, 128}) {
            for (int numRows : BATCHES) {
                Tensor weight = CpuTensors.vector(weights(random, headDim));
                Tensor actual = CpuTensors.random(random, numRows + 1, 5 + 7 * headDim, 2);
                Tensor expected = CpuTensors.copy(actual);
                norm.rmsNormHeads(actual, 5, 6, headDim, weight, 1e-6f, numRows);
                reference.rmsNormHeads(expected, 5, 6, headDim, weight, 1e-6f, numRows);
                CpuTensors.assertClose(actual, expected, numRows + 1, 5 + 7 * headDim, 1e-6);
            }
        }
    }

    @Test
    void addWithoutANorm() {
        CpuNorm norm = new CpuNorm(pool, LoopChoice.fastest());
        ReferenceNorm reference = new ReferenceNorm();
        for (int hidden : SIZES) {
            for (int numRows : BATCHES) {
                for (boolean adds : new boolean[] {true, false}) {
                    Tensor residual = CpuTensors.random(random, numRows + 1, hidden, 2);
                    Tensor expectedResidual = CpuTensors.copy(residual);
                    Tensor out = CpuTensors.random(random, numRows + 1, hidden, 2);
                    Tensor expected = CpuTensors.copy(out);
                    // The delta may be the output.
                    norm.add(out, residual, adds ? out : null, 0.22f, numRows);
                    reference.add(expected, expectedResidual, adds ? expected : null, 0.22f, numRows);
                    CpuTensors.assertClose(residual, expectedResidual, numRows + 1, hidden, 1e-6);
                    CpuTensors.assertClose(out, expected, numRows + 1, hidden, 1e-6);
                }
            }
        }
    }

    @Test
    void softCap() {
        CpuActivation activation = new CpuActivation(pool, LoopChoice.fastest());
        for (int numRows : BATCHES) {
            Tensor actual = CpuTensors.random(random, numRows + 1, 207, 40);
            Tensor expected = CpuTensors.copy(actual);
            activation.softCap(actual, 30, numRows);
            new ReferenceActivation().softCap(expected, 30, numRows);
            CpuTensors.assertClose(actual, expected, numRows + 1, 207, 1e-6);
        }
    }

    @Test
    void ropeGrowsWithThePosition() {
        RopeTable table = new RopeTable(new float[] {0.5f}, 2, false, 0.3f, 4);
        CpuRope rope = new CpuRope(pool, LoopChoice.fastest());
        Tensor x = CpuTensors.random(random, 1, 2, 1);
        for (int position : new int[] {0, 3, 4, 11}) {
            x.floats()[(int) x.offset()] = 1;
            x.floats()[(int) x.offset() + 1] = 0;
            rope.rotate(x, 0, 1, 2, rope.load(table, 12), new int[] {position}, 1);
            double scale = 2 * (1 + 0.3 * Math.log(1 + position / 4));
            assertThat((double) x.floats()[(int) x.offset()]).isCloseTo(scale * Math.cos(0.5 * position), offset(1e-6));
            assertThat((double) x.floats()[(int) x.offset() + 1])
                    .isCloseTo(scale * Math.sin(0.5 * position), offset(1e-6));
        }
    }

    @Test
    void ropeIsTheReferenceBitForBit() {
        CpuRope rope = new CpuRope(pool, LoopChoice.fastest());
        ReferenceRope reference = new ReferenceRope();
        for (int numPairs : new int[] {1, 2, 3, 4, 16, 21, 32, 64}) {
            for (boolean interleaved : new boolean[] {false, true}) {
                float[] frequencies = new float[numPairs];
                for (int i = 0; i < numPairs; i++) {
                    frequencies[i] = (float) Math.pow(10_000, -(double) i / numPairs);
                }
                RopeTable table = new RopeTable(frequencies, 1.25f, interleaved);
                int headDim = 2 * numPairs + 3;
                for (int numRows : BATCHES) {
                    int[] positions = random.ints(numRows, 0, 3000).toArray();
                    Tensor actual = CpuTensors.random(random, numRows + 1, 4 + 9 * headDim, 1);
                    Tensor expected = CpuTensors.copy(actual);
                    rope.rotate(actual, 4, 8, headDim, rope.load(table, 3000), positions, numRows);
                    reference.rotate(expected, 4, 8, headDim, reference.load(table, 3000), positions, numRows);
                    assertThat(actual.floats()).isEqualTo(expected.floats());
                }
            }
        }
    }

    @Test
    void ropeRotatesPairs() {
        RopeTable table = new RopeTable(new float[] {0.5f}, 1, false);
        Tensor x = CpuTensors.vector(1, 2);
        new ReferenceRope().rotate(x, 0, 1, 2, new RopeCosSin(table, 8), new int[] {3}, 1);
        double angle = 1.5;
        assertThat((double) x.floats()[0]).isCloseTo(Math.cos(angle) - 2 * Math.sin(angle), within());
        assertThat((double) x.floats()[1]).isCloseTo(2 * Math.cos(angle) + Math.sin(angle), within());
    }

    private static org.assertj.core.data.Offset<Double> within() {
        return org.assertj.core.data.Offset.offset(1e-6);
    }

    @Test
    void ropeRefusesPositionsBeyondItsTable() {
        CpuRope rope = new CpuRope(pool, LoopChoice.fastest());
        var table = rope.load(new RopeTable(new float[] {1}, 1, false), 8);
        assertThatThrownBy(() -> rope.rotate(CpuTensors.vector(1, 2), 0, 1, 2, table, new int[] {8}, 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("position 8");
    }

    @Test
    void gatedMultiply() {
        CpuActivation activation = new CpuActivation(pool, LoopChoice.fastest());
        ReferenceActivation reference = new ReferenceActivation();
        for (Gate gate : Gate.values()) {
            for (int ffn : SIZES) {
                for (int numRows : BATCHES) {
                    Tensor gateUp = CpuTensors.random(random, numRows, 2 * ffn + 1, 3);
                    for (int i = 3; i < gateUp.floats().length; i++) {
                        gateUp.floats()[i] *= 4;
                    }
                    Tensor actual = CpuTensors.poisoned(numRows + 1, ffn + 1, 2);
                    Tensor expected = CpuTensors.copy(actual);
                    activation.gatedMultiply(actual, gateUp, gate, ffn, numRows);
                    reference.gatedMultiply(expected, gateUp, gate, ffn, numRows);
                    CpuTensors.assertClose(actual, expected, numRows, ffn, 2e-6);
                    CpuTensors.assertUntouched(actual, numRows, ffn);
                }
            }
        }
    }

    @Test
    void gatesOfExtremeValues() {
        float[] extremes = {
            0,
            -0f,
            1e-30f,
            -1e-30f,
            20,
            -20,
            87,
            -87,
            89,
            -89,
            1e4f,
            -1e4f,
            1e30f,
            -1e30f,
            Float.NaN,
            Float.POSITIVE_INFINITY
        };
        float[] gateUp = new float[2 * extremes.length];
        System.arraycopy(extremes, 0, gateUp, 0, extremes.length);
        java.util.Arrays.fill(gateUp, extremes.length, gateUp.length, 1);
        for (Gate gate : Gate.values()) {
            Tensor actual = CpuTensors.poisoned(1, extremes.length, 0);
            Tensor expected = CpuTensors.poisoned(1, extremes.length, 0);
            new CpuActivation(pool, LoopChoice.fastest())
                    .gatedMultiply(actual, CpuTensors.vector(gateUp), gate, extremes.length, 1);
            new ReferenceActivation().gatedMultiply(expected, CpuTensors.vector(gateUp), gate, extremes.length, 1);
            CpuTensors.assertClose(actual, expected, 1, extremes.length, 1e-6);
        }
    }

    @Test
    void embeddingOfEveryType() {
        CpuEmbedding embedding = new CpuEmbedding(new WeightPacker(pool, new HeapBudget(), 0));
        ReferenceEmbedding reference = new ReferenceEmbedding();
        int[] ids = {9, 0, 4};
        for (DType dtype : new DType[] {DType.F32, DType.BF16, DType.F16}) {
            for (int hidden : SIZES) {
                LinearWeight matrix = CpuTensors.dense(random, dtype, 10, hidden, false);
                Tensor actual = CpuTensors.poisoned(4, hidden, 1);
                Tensor expected = CpuTensors.copy(actual);
                embedding.lookup(actual, embedding.load(matrix), ids, 3, 12);
                reference.lookup(expected, reference.load(matrix), ids, 3, 12);
                assertThat(actual.floats()).isEqualTo(expected.floats());
            }
        }
        var table = embedding.load(CpuTensors.dense(random, DType.F32, 10, 4, false));
        assertThatThrownBy(() -> embedding.lookup(CpuTensors.poisoned(1, 4, 0), table, new int[] {10}, 1, 1))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void gatherRows() {
        CpuEmbedding embedding = new CpuEmbedding(new WeightPacker(pool, new HeapBudget(), 0));
        Tensor x = CpuTensors.random(random, 6, 13, 2);
        Tensor out = CpuTensors.poisoned(4, 13, 1);
        embedding.gatherRows(out, x, new int[] {5, 0, 3}, 3);
        for (int j = 0; j < 13; j++) {
            assertThat(out.floats()[1 + j]).isEqualTo(x.floats()[2 + 5 * 13 + j]);
            assertThat(out.floats()[1 + 2 * 13 + j]).isEqualTo(x.floats()[2 + 3 * 13 + j]);
        }
        CpuTensors.assertUntouched(out, 3, 13);
    }

    @Test
    void arenaCountsAndRefuses() {
        CpuArena arena = new CpuArena(new HeapBudget());
        Tensor tensor = arena.allocate("hidden", DType.F32, 3, 5);
        assertThat(tensor.floats()).hasSize(15).containsOnly(0);
        arena.allocate("ids", DType.I32, 10);
        assertThat(arena.allocatedBytes()).isEqualTo(100);
        long tooMuch = Runtime.getRuntime().maxMemory() / 4;
        assertThatThrownBy(() -> arena.allocate("scratch", DType.F32, Math.min(tooMuch, Integer.MAX_VALUE - 8)))
                .isInstanceOf(OutOfDeviceMemoryException.class)
                .hasMessageContaining("scratch");
        assertThat(arena.allocatedBytes()).isEqualTo(100);
        arena.close();
        assertThatThrownBy(() -> arena.allocate("late", DType.F32, 1)).isInstanceOf(IllegalStateException.class);
    }
}
