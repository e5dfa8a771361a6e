package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.kernel.Linear;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CpuGemmTest {
    private static final int[] SIZES = {1, 4, 6, 8, 13, 63, 172, 207, 702};
    private static final int[] BATCHES = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15, 16, 17, 33, 65, 170};

    private final Random random = new Random(1);
    private final WorkerPool pool = new WorkerPool(3);
    private final WeightPacker packer = new WeightPacker(pool, new HeapBudget(), 0);
    private final CpuGemm gemm = new CpuGemm(pool, LoopChoice.fastest(), packer);
    private final ReferenceGemm reference = new ReferenceGemm(pool);

    @AfterEach
    void close() {
        pool.close();
    }

    /** Float sums of K products err by at most about K/lanes ulp of the sum of magnitudes, which is ~1 here. */
    private static double tolerance(int in) {
        return 1e-6 * Math.sqrt(in) + 1e-6;
    }

    private void check(LinearWeight weight, int numRows) {
        Linear linear = gemm.load(weight);
        Tensor x = CpuTensors.random(random, numRows + 1, weight.inFeatures() + 3, 5);
        Tensor actual = CpuTensors.poisoned(numRows + 2, weight.outFeatures() + 2, 7);
        Tensor expected = CpuTensors.poisoned(numRows + 2, weight.outFeatures() + 2, 7);
        gemm.matmul(actual, x, linear, numRows);
        reference.matmul(expected, x, reference.load(weight), numRows);
        CpuTensors.assertClose(actual, expected, numRows, weight.outFeatures(), tolerance(weight.inFeatures()));
        CpuTensors.assertUntouched(actual, numRows, weight.outFeatures());
    }

    @Test
    void denseOfAwkwardSizes() {
        for (DType dtype : new DType[] {DType.F32, DType.BF16, DType.F16}) {
            for (int out : SIZES) {
                for (int in : SIZES) {
                    check(CpuTensors.dense(random, dtype, out, in, out % 2 == 0), 1 + random.nextInt(6));
                }
            }
        }
    }

    @Test
    void everyBatch() {
        for (int numRows : BATCHES) {
            check(CpuTensors.dense(random, DType.BF16, 50, 600, true), numRows);
            check(CpuTensors.dense(random, DType.F32, 25, 1100, false), numRows);
            check(CpuTensors.quantized(random, 8, 32, true, DType.BF16, 31, 640), numRows);
            check(CpuTensors.quantized(random, 4, 128, false, DType.BF16, 33, 640), numRows);
        }
    }

    @Test
    void stackedPartsOfDifferentTypes() {
        LinearWeight stacked = new LinearWeight.Stacked(
                "qkv",
                List.of(
                        CpuTensors.dense(random, DType.BF16, 40, 702, true),
                        CpuTensors.dense(random, DType.F32, 7, 702, false),
                        CpuTensors.quantized(random, 8, 702, true, DType.BF16, 13, 702),
                        new LinearWeight.Stacked("kv", List.of(CpuTensors.dense(random, DType.F16, 9, 702, true)))));
        for (int numRows : BATCHES) {
            check(stacked, numRows);
        }
        assertThat(gemm.load(stacked).outFeatures()).isEqualTo(69);
    }

    @Test
    void rowsDoNotDependOnTheBatch() {
        List<LinearWeight> weights = List.of(
                CpuTensors.dense(random, DType.BF16, 77, 1536, true),
                CpuTensors.dense(random, DType.F16, 77, 1537, false),
                CpuTensors.dense(random, DType.F32, 30, 702, false),
                CpuTensors.quantized(random, 8, 32, true, DType.BF16, 65, 1152),
                CpuTensors.quantized(random, 4, 32, false, DType.BF16, 65, 1152));
        for (LinearWeight weight : weights) {
            Linear linear = gemm.load(weight);
            Tensor x = CpuTensors.random(random, 70, weight.inFeatures(), 0);
            Tensor all = CpuTensors.poisoned(70, weight.outFeatures(), 0);
            gemm.matmul(all, x, linear, 70);
            for (int numRows : new int[] {1, 2, 3, 4, 5, 8, 9, 17, 33, 64}) {
                Tensor some = CpuTensors.poisoned(70, weight.outFeatures(), 0);
                gemm.matmul(some, x, linear, numRows);
                int count = numRows * weight.outFeatures();
                assertThat(Arrays.copyOf(some.floats(), count)).isEqualTo(Arrays.copyOf(all.floats(), count));
            }
            Tensor last = new Tensor(x.dtype(), x.shape(), x.storage(), 69L * weight.inFeatures());
            Tensor alone = CpuTensors.poisoned(1, weight.outFeatures(), 0);
            gemm.matmul(alone, last, linear, 1);
            int from = 69 * weight.outFeatures();
            assertThat(alone.floats()).isEqualTo(Arrays.copyOfRange(all.floats(), from, from + weight.outFeatures()));
        }
    }

    @Test
    void nonFiniteInputsReachTheirRowsAlone() {
        for (int numRows : new int[] {1, 3, 6, 20}) {
            for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
                Linear linear = gemm.load(CpuTensors.dense(random, DType.BF16, 19, 207, true));
                Tensor x = CpuTensors.random(random, numRows, 207, 0);
                x.floats()[(numRows - 1) * 207 + 206] = value;
                Tensor out = CpuTensors.poisoned(numRows, 19, 0);
                gemm.matmul(out, x, linear, numRows);
                for (int i = 0; i < numRows * 19; i++) {
                    assertThat(Float.isFinite(out.floats()[i]))
                            .as("output %d", i)
                            .isEqualTo(i < (numRows - 1) * 19);
                }
            }
        }
    }

    @Test
    void tiedSharesTheTable() {
        HostTensor matrix = CpuTensors.host(random, DType.BF16, 0.1f, 50, 63);
        CpuEmbedding embedding = new CpuEmbedding(packer);
        var table = embedding.load(new LinearWeight.Dense("table", matrix, null));
        Tensor rows = CpuTensors.poisoned(5, 63, 3);
        int[] ids = {49, 0, 7, 7};
        embedding.lookup(rows, table, ids, 4, 3);
        for (int i = 0; i < 4; i++) {
            float[] expected = new float[63];
            matrix.copyTo(ids[i] * 63L, expected, 0, 63);
            for (int j = 0; j < 63; j++) {
                assertThat(rows.floats()[3 + i * 63 + j]).isEqualTo(expected[j] * 3);
            }
        }
        CpuTensors.assertUntouched(rows, 4, 63);

        Tensor x = CpuTensors.random(random, 4, 63, 0);
        Tensor actual = CpuTensors.poisoned(4, 50, 0);
        Tensor expected = CpuTensors.poisoned(4, 50, 0);
        gemm.matmul(actual, x, gemm.tied(table), 4);
        LinearWeight untied = new LinearWeight.Dense("lm_head", matrix, null);
        reference.matmul(expected, x, reference.load(untied), 4);
        CpuTensors.assertClose(actual, expected, 4, 50, 1e-5);
    }

    @Test
    void residentBytesAreWhatLoadKeeps() {
        List<LinearWeight> weights = new ArrayList<>();
        for (int in : new int[] {64, 207, 1152}) {
            weights.add(CpuTensors.dense(random, DType.F32, 30, in, false));
            weights.add(CpuTensors.dense(random, DType.BF16, 30, in, false));
            weights.add(CpuTensors.quantized(random, 4, 32, true, DType.BF16, 30, in));
            weights.add(CpuTensors.quantized(random, 8, in, true, DType.BF16, 30, in));
        }
        for (LinearWeight weight : weights) {
            assertThat(gemm.residentBytes(weight))
                    .as("%s", weight)
                    .isEqualTo(gemm.load(weight).weightBytes() + 4L * Lanes.roundUp(30, PackedMatrix.PANEL_ROWS));
        }
    }
}
