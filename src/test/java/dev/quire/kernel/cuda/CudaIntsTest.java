package dev.quire.kernel.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.Backend.StepLimits;
import dev.quire.kernel.DequantizedRows;
import dev.quire.kernel.EmbeddingTable;
import dev.quire.kernel.Linear;
import dev.quire.kernel.LinearWeight;
import dev.quire.kernel.cuda.RandomInts.Kind;
import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.Arena;
import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.HostBytes;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import dev.quire.tensor.QuantizedMatrix.Codes;
import dev.quire.tensor.Shape;
import dev.quire.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Matrices of integers through the backend, from a checkpoint's codes to products and embeddings, against sums in double. */
class CudaIntsTest {
    private static final double BF16 = 6e-3;
    private static final int[] ROWS = {1, 5, 8, 11, 33};

    private final Random random = new Random(11);

    private static LinearWeight leaf(QuantizedMatrix matrix, @Nullable HostTensor bias) {
        return new LinearWeight.Quantized(matrix.name(), matrix, ActivationScheme.NONE, bias);
    }

    private HostTensor vector(int length) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * length).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < length; i++) {
            bytes.putFloat(FloatBits.bf16ToFloat(FloatBits.floatToBf16((float) random.nextGaussian())));
        }
        return new HostTensor("bias", DType.F32, Shape.of(length), HostBytes.of(bytes.flip()));
    }

    private HostTensor dense(int rows, int cols) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * rows * cols).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < rows * cols; i++) {
            bytes.putShort(FloatBits.floatToBf16((float) (random.nextGaussian() / Math.sqrt(cols))));
        }
        return new HostTensor("dense", DType.BF16, Shape.of(rows, cols), HostBytes.of(bytes.flip()));
    }

    private float[] inputs(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = FloatBits.bf16ToFloat(FloatBits.floatToBf16((float) random.nextGaussian()));
        }
        return values;
    }

    /** Weights of one leaf in the layer's order of inputs. */
    private static float[] numbers(LinearWeight.Leaf leaf) {
        int rows = leaf.outFeatures();
        int cols = leaf.inFeatures();
        float[] numbers = new float[rows * cols];
        if (leaf instanceof LinearWeight.Dense dense) {
            dense.weight().copyTo(0, numbers, 0, numbers.length);
            return numbers;
        }
        QuantizedMatrix matrix = ((LinearWeight.Quantized) leaf).matrix();
        DequantizedRows reader = new DequantizedRows(matrix, 0, rows);
        int[] order = matrix.columnOrder();
        float[] row = new float[cols];
        for (int n = 0; n < rows; n++) {
            reader.copyTo(n, row, 0);
            for (int c = 0; c < cols; c++) {
                numbers[n * cols + (order == null ? c : order[c])] = row[c];
            }
        }
        return numbers;
    }

    private static double[] expected(LinearWeight weight, float[] x, int numRows) {
        int in = weight.inFeatures();
        int out = weight.outFeatures();
        double[] y = new double[numRows * out];
        int at = 0;
        for (LinearWeight.Leaf leaf : weight.leaves()) {
            float[] w = numbers(leaf);
            float[] bias = leaf.bias() == null
                    ? new float[leaf.outFeatures()]
                    : leaf.bias().toFloats();
            for (int m = 0; m < numRows; m++) {
                for (int n = 0; n < leaf.outFeatures(); n++) {
                    double sum = bias[n];
                    for (int k = 0; k < in; k++) {
                        sum += (double) x[m * in + k] * w[n * in + k];
                    }
                    y[m * out + at + n] = sum;
                }
            }
            at += leaf.outFeatures();
        }
        return y;
    }

    private static double error(float[] got, double[] want) {
        double error = 0;
        double size = 0;
        for (int i = 0; i < want.length; i++) {
            error += (got[i] - want[i]) * (got[i] - want[i]);
            size += want[i] * want[i];
        }
        return Math.sqrt(error / size);
    }

    private void check(CudaBackend cuda, LinearWeight weight, int... numsOfRows) {
        Linear linear = cuda.gemm().load(weight);
        cuda.synchronize();
        cuda.reserveSteps(new StepLimits(64, 8, 4, 300));
        int out = weight.outFeatures();
        int in = weight.inFeatures();
        try (Arena arena = cuda.newArena()) {
            for (int numRows : numsOfRows) {
                int padded = cuda.paddedRows(numRows);
                float[] inputs = inputs(padded * in);
                Tensor x = arena.allocate("x", DType.BF16, padded, in);
                TestDevice.put(x, inputs);
                double[] want = expected(weight, inputs, numRows);
                for (DType type : List.of(DType.BF16, DType.F32)) {
                    Tensor y = arena.allocate("y", type, padded, out);
                    cuda.gemm().matmul(y, x, linear, numRows);
                    assertThat(error(TestDevice.get(cuda, y), want))
                            .as("%s, %d rows by %s", weight.name(), numRows, cuda.describeProduct(linear, numRows))
                            .isLessThan(BF16);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "INT4,70,264,128,BF16_SYMMETRIC,false",
        "INT4,33,200,16,F32_OFFSETS,false",
        "INT4,48,320,64,F16_ZERO_POINTS,true",
        "INT5,37,96,32,F32_OFFSETS,false",
        "INT6,40,512,16,BF16_SYMMETRIC,false",
        "INT8,65,136,136,BF16_SYMMETRIC,true",
        "INT8,31,192,96,F16_ZERO_POINTS,false",
        "INT8,20,120,20,BF16_SYMMETRIC,false",
    })
    void products(Codes codes, int out, int in, int groupSize, Kind kind, boolean ordered) {
        try (CudaBackend cuda = TestDevice.open()) {
            RandomInts matrix = RandomInts.of(random, out, in, codes, groupSize, kind, ordered);
            check(cuda, leaf(matrix, vector(out)), ROWS);
        }
    }

    /** Tiles of all kinds on the emulated Hopper device; invariant products take one of them. */
    @ParameterizedTest
    @CsvSource({"INT4,70,264,32,F32_OFFSETS,false", "INT8,130,192,192,BF16_SYMMETRIC,true"})
    void productsOnHopper(Codes codes, int out, int in, int groupSize, Kind kind, boolean ordered) {
        TestDevice.assumeEmulated();
        TestDevice.setCapability(90);
        try (CudaBackend cuda = TestDevice.open();
                CudaBackend invariant = TestDevice.open(true, false)) {
            RandomInts matrix = RandomInts.of(random, out, in, codes, groupSize, kind, ordered);
            check(cuda, leaf(matrix, vector(out)), 7, 12, 64);
            check(invariant, leaf(matrix, vector(out)), 3, 64);
        } finally {
            TestDevice.setCapability(80);
        }
    }

    /** q and k have one form and become one matrix, v another; the last one is not quantized. */
    @Test
    void stackedMatricesOfDifferentForms() {
        try (CudaBackend cuda = TestDevice.open()) {
            LinearWeight.Stacked stacked = new LinearWeight.Stacked(
                    "stacked",
                    List.of(
                            leaf(ints(45, Codes.INT4, Kind.BF16_SYMMETRIC), vector(45)),
                            leaf(ints(27, Codes.INT4, Kind.F16_ZERO_POINTS), null),
                            leaf(ints(19, Codes.INT6, Kind.F32_OFFSETS), vector(19)),
                            new LinearWeight.Dense("dense", dense(13, 160), null)));
            check(cuda, stacked, 1, 7, 20);
            Linear linear = cuda.gemm().load(stacked);
            assertThat(((StackedLinear) linear).parts()).hasSize(3);
            long bytes = linear.weightBytes();
            assertThat(cuda.gemm().residentBytes(stacked)).isEqualTo(bytes);
        }
    }

    private RandomInts ints(int out, Codes codes, Kind kind) {
        return RandomInts.of(random, out, 160, codes, 32, kind, false);
    }

    /** A row alone and in a batch of any size: the same bits. */
    @Test
    void invariantProducts() {
        try (CudaBackend cuda = TestDevice.open(true, false);
                Arena arena = cuda.newArena()) {
            RandomInts matrix = RandomInts.of(random, 50, 264, Codes.INT4, 128, Kind.BF16_SYMMETRIC, false);
            check(cuda, leaf(matrix, null), 1, 20);
            Linear linear = cuda.gemm().load(leaf(matrix, vector(50)));
            Tensor x = arena.allocate("x", DType.BF16, 300, 264);
            TestDevice.put(x, inputs(300 * 264));
            float[] first = null;
            for (int rows : new int[] {1, 16, 40, 300}) {
                Tensor y = arena.allocate("y", DType.F32, cuda.paddedRows(rows), 50);
                cuda.gemm().matmul(y, x, linear, rows);
                float[] row = java.util.Arrays.copyOf(TestDevice.get(cuda, y), 50);
                first = first == null ? row : first;
                assertThat(row).as("%d rows", rows).isEqualTo(first);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"INT4", "INT6", "INT8"})
    void embeddingsAndTheirOutputs(Codes codes) {
        int vocab = 299;
        int hidden = 192;
        try (CudaBackend cuda = TestDevice.open();
                Arena arena = cuda.newArena()) {
            RandomInts matrix = RandomInts.of(random, vocab, hidden, codes, 32, Kind.F32_OFFSETS, false);
            LinearWeight.Quantized weight = (LinearWeight.Quantized) leaf(matrix, null);
            EmbeddingTable table = cuda.embedding().load(weight);
            cuda.synchronize();
            cuda.reserveSteps(new StepLimits(64, 8, 4, vocab));
            AttentionMetadata metadata = new AttentionMetadata(8, 64, 4, 16);
            metadata.clear();
            metadata.add(0, 5, new int[] {3}, 1);
            int[] ids = {7, 298, 0, 12, 12};
            cuda.beginStep(ids, metadata, new int[] {4}, 1);
            Tensor rows = arena.allocate("rows", DType.F32, 5, hidden);
            cuda.embedding().lookup(rows, table, ids, 5, 12.5f);
            float[] got = TestDevice.get(cuda, rows);
            float[] numbers = numbers(weight);
            for (int i = 0; i < got.length; i++) {
                float want = 12.5f * numbers[ids[i / hidden] * hidden + i % hidden];
                assertThat(got[i]).isCloseTo(want, org.assertj.core.data.Offset.offset(1e-4f));
            }
            Linear output = cuda.gemm().tied(table);
            float[] inputs = inputs(3 * hidden);
            Tensor x = arena.allocate("x", DType.BF16, 3, hidden);
            TestDevice.put(x, inputs);
            Tensor logits = arena.allocate("logits", DType.F32, 3, vocab);
            cuda.gemm().matmul(logits, x, output, 3);
            assertThat(error(TestDevice.get(cuda, logits), expected(weight, inputs, 3)))
                    .isLessThan(BF16);
        }
    }
}
