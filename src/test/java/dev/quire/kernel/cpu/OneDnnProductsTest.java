package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.sun.management.ThreadMXBean;
import dev.quire.kernel.LinearWeight;
import dev.quire.kernel.cpu.CpuOptions.GemmPath;
import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.Tensor;
import java.io.File;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class OneDnnProductsTest {
    /** Around a chunk, several chunks, and more than the largest. */
    private static final int[] BATCHES = {16, 17, 64, 100, 512};

    private final Random random = new Random(6);
    private final WorkerPool pool = new WorkerPool(2);
    private final CpuGemm gemm = new CpuGemm(pool, LoopChoice.fastest(), new WeightPacker(pool, new HeapBudget(), 0));
    private @Nullable ProductChoice choice;

    @AfterEach
    void close() {
        pool.close();
        if (choice != null) {
            choice.close();
        }
    }

    private CpuLinear load(LinearWeight weight) {
        CpuLinear linear = (CpuLinear) gemm.load(weight);
        try {
            choice = new ProductChoice(GemmPath.ONEDNN, pool, gemm);
        } catch (OneDnnUnavailableException e) {
            assumeThat(true).as("oneDNN loads: %s", e.getMessage()).isFalse();
            throw e;
        }
        assertThat(choice.choose()).contains("oneDNN");
        return linear;
    }

    /**
     * bf16 keeps eight bits: each activation is off by 2^-9 of itself at most, so a sum is off by 2^-9 of the sum of
     * magnitudes, and by its roundings in f32, which are smaller; 2^-8 leaves room.
     */
    private static void assertClose(Tensor actual, Tensor expected, Tensor magnitudes, int numRows, int numCols) {
        for (int i = 0; i < numRows; i++) {
            for (int j = 0; j < numCols; j++) {
                int at = i * actual.rowStride() + j;
                double bound = 0x1p-8 * magnitudes.floats()[(int) magnitudes.offset() + at] + 1e-6;
                double difference = (double) actual.floats()[(int) actual.offset() + at]
                        - expected.floats()[(int) expected.offset() + at];
                if (!(Math.abs(difference) <= bound)) {
                    assertThat(Math.abs(difference)).as("[%d, %d]", i, j).isLessThanOrEqualTo(bound);
                }
            }
        }
    }

    private static Tensor absolute(Tensor tensor) {
        Tensor copy = CpuTensors.copy(tensor);
        for (int i = 0; i < copy.floats().length; i++) {
            copy.floats()[i] = Math.abs(copy.floats()[i]);
        }
        return copy;
    }

    private static ReferenceGemm.Matrix absolute(ReferenceGemm.Matrix matrix) {
        float[][] rows = Arrays.stream(matrix.rows()).map(float[]::clone).toArray(float[][]::new);
        for (float[] row : rows) {
            for (int k = 0; k < row.length; k++) {
                row[k] = Math.abs(row[k]);
            }
        }
        return new ReferenceGemm.Matrix(rows, matrix.activations(), matrix.inFeatures(), null);
    }

    private void check(CpuLinear linear, LinearWeight weight, int numRows) {
        ReferenceGemm reference = new ReferenceGemm(pool);
        ReferenceGemm.Matrix plain = (ReferenceGemm.Matrix) reference.load(weight);
        Tensor x = CpuTensors.random(random, numRows + 1, weight.inFeatures() + 3, 5);
        Tensor actual = CpuTensors.poisoned(numRows + 2, weight.outFeatures() + 2, 7);
        Tensor expected = CpuTensors.copy(actual);
        Tensor magnitudes = CpuTensors.copy(actual);
        gemm.matmul(actual, x, linear, numRows);
        reference.matmul(expected, x, plain, numRows);
        reference.matmul(magnitudes, absolute(x), absolute(plain), numRows);
        assertClose(actual, expected, magnitudes, numRows, weight.outFeatures());
        CpuTensors.assertUntouched(actual, numRows, weight.outFeatures());
    }

    @Test
    void awkwardSizes() {
        int[][] sizes = {{1, 8}, {16, 16}, {50, 63}, {77, 207}, {130, 100}, {600, 33}};
        for (int[] size : sizes) {
            LinearWeight weight = CpuTensors.dense(random, DType.BF16, size[0], size[1], size[0] % 2 == 0);
            CpuLinear linear = load(weight);
            for (int numRows : BATCHES) {
                check(linear, weight, numRows);
            }
        }
    }

    @Test
    void stackedWithBiasAndStepsOfAllSizesInTurn() {
        LinearWeight stacked = new LinearWeight.Stacked(
                "qkv",
                List.of(
                        CpuTensors.dense(random, DType.BF16, 140, 90, true),
                        CpuTensors.dense(random, DType.BF16, 7, 90, false),
                        CpuTensors.dense(random, DType.BF16, 65, 90, true)));
        CpuLinear linear = load(stacked);
        for (int numRows : new int[] {64, 1, 16, 300, 15, 17, 64, 31, 100, 16}) {
            check(linear, stacked, numRows);
        }
    }

    @Test
    void roundsActivationsToNearestEvenWhereTheCpuMultipliesBf16() {
        LinearWeight weight = CpuTensors.dense(random, DType.BF16, 20, 40, false);
        CpuLinear linear = load(weight);
        Tensor x = CpuTensors.random(random, 16, 40, 0);
        Tensor rounded = CpuTensors.copy(x);
        for (int i = 0; choice.roundsActivations() && i < rounded.floats().length; i++) {
            rounded.floats()[i] = FloatBits.bf16ToFloat(FloatBits.floatToBf16(rounded.floats()[i]));
        }
        Tensor actual = CpuTensors.poisoned(16, 20, 0);
        Tensor expected = CpuTensors.poisoned(16, 20, 0);
        gemm.matmul(actual, x, linear, 16);
        ReferenceGemm reference = new ReferenceGemm(pool);
        reference.matmul(expected, rounded, reference.load(weight), 16);
        CpuTensors.assertClose(actual, expected, 16, 20, 1e-5);
    }

    @Test
    void fewRowsStayInTheVectorApi() {
        CpuLinear linear = load(CpuTensors.dense(random, DType.BF16, 50, 200, true));
        Tensor x = CpuTensors.random(random, 15, 200, 0);
        Tensor with = CpuTensors.poisoned(15, 50, 0);
        gemm.matmul(with, x, linear, 15);
        linear.large = null;
        Tensor without = CpuTensors.poisoned(15, 50, 0);
        gemm.matmul(without, x, linear, 15);
        assertThat(with.floats()).isEqualTo(without.floats());
    }

    @Test
    void otherWeightsStayInTheVectorApi() {
        LinearWeight mixed = new LinearWeight.Stacked(
                "mixed",
                List.of(
                        CpuTensors.dense(random, DType.BF16, 40, 64, true),
                        CpuTensors.dense(random, DType.F32, 7, 64, false)));
        gemm.load(mixed);
        assertThat(load(CpuTensors.dense(random, DType.BF16, 8, 8, false)).large)
                .isNotNull();
        assertThat(gemm.loaded().get(0).large).isNull();
    }

    @Test
    void nonFiniteInputsReachTheirRowsAlone() {
        CpuLinear linear = load(CpuTensors.dense(random, DType.BF16, 19, 207, true));
        Tensor x = CpuTensors.random(random, 17, 207, 0);
        x.floats()[16 * 207 + 206] = Float.NaN;
        Tensor out = CpuTensors.poisoned(17, 19, 0);
        gemm.matmul(out, x, linear, 17);
        for (int i = 0; i < 17 * 19; i++) {
            assertThat(Float.isNaN(out.floats()[i])).as("output %d", i).isEqualTo(i >= 16 * 19);
        }
    }

    @Test
    void aStepAllocatesNothing() {
        CpuLinear linear = load(CpuTensors.dense(random, DType.BF16, 200, 128, true));
        Tensor x = CpuTensors.random(random, 40, 128, 0);
        Tensor out = CpuTensors.poisoned(40, 200, 0);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 100; i++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            gemm.matmul(out, x, linear, 40);
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        assertThat(least).isZero();
    }

    @Test
    void closingTwiceIsHarmless() {
        CpuLinear linear = load(CpuTensors.dense(random, DType.BF16, 20, 40, false));
        choice.close();
        assertThatCode(choice::close).doesNotThrowAnyException();
        assertThat(linear.large).isNull();
    }

    @Test
    void vectorLoadsNothing() {
        CpuLinear linear = (CpuLinear) gemm.load(CpuTensors.dense(random, DType.BF16, 64, 64, false));
        choice = new ProductChoice(GemmPath.VECTOR, pool, gemm, 0);
        assertThat(choice.choose()).isEmpty();
        assertThat(choice.usesLibrary()).isFalse();
        assertThat(linear.large).isNull();
    }

    @Test
    void autoStaysInTheVectorApiForSmallModels() {
        try (CpuBackend backend = new CpuBackend(new CpuOptions(2, false, GemmPath.AUTO))) {
            CpuLinear linear = (CpuLinear) backend.gemm().load(CpuTensors.dense(random, DType.BF16, 64, 64, false));
            assertThat(backend.chooseProducts()).isEmpty();
            assertThat(linear.large).isNull();
        }
    }

    @Test
    void knowsTheFreeMemoryOfThisMachine() {
        assertThat(HostMemory.availableBytes()).isPositive();
    }

    /** Whatever this machine is, the log says which path runs, and either all weights move or none. */
    @Test
    void autoSaysWhatItChose() {
        CpuLinear first = (CpuLinear) gemm.load(CpuTensors.dense(random, DType.BF16, 256, 128, false));
        CpuLinear second = (CpuLinear) gemm.load(CpuTensors.dense(random, DType.BF16, 64, 128, false));
        choice = new ProductChoice(GemmPath.AUTO, pool, gemm, 0);
        String line = choice.choose();
        assertThat(line.lines()).hasSize(1);
        assertThat(line).containsAnyOf("products of many rows: Vector API (", "products of 16 rows and more: oneDNN");
        assertThat(first.large != null).isEqualTo(choice.usesLibrary()).isEqualTo(second.large != null);
    }

    @Test
    void runsWithoutTheLibraryOnTheClassPath() throws Exception {
        String classPath = String.join(
                File.pathSeparator,
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                        .filter(entry -> !entry.contains("dnnl") && !entry.contains("javacpp"))
                        .toList());
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        classPath,
                        WithoutLibrary.class.getName())
                .redirectErrorStream(true);
        builder.environment().put(LargeProducts.THREADS_VARIABLE, "1");
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output).contains("done");
    }

    static final class WithoutLibrary {
        public static void main(String[] args) {
            assertThatThrownBy(() -> new CpuBackend(new CpuOptions(1, true, GemmPath.ONEDNN)))
                    .isInstanceOf(OneDnnUnavailableException.class)
                    .hasMessageContaining("does not load");
            try (WorkerPool pool = new WorkerPool(1)) {
                CpuGemm gemm = new CpuGemm(
                        pool, new LoopChoice(CpuLoops.plain()), new WeightPacker(pool, new HeapBudget(), 0));
                gemm.load(CpuTensors.dense(new Random(1), DType.BF16, 64, 64, false));
                try (ProductChoice choice = new ProductChoice(GemmPath.AUTO, pool, gemm, 0)) {
                    assertThat(choice.choose()).contains("Vector API", "does not load");
                }
            }
            System.out.println("done");
        }
    }
}
