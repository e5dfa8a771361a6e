package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.kernel.DequantizedRows;
import dev.quire.kernel.EmbeddingTable;
import dev.quire.kernel.Linear;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.QuantizedMatrix.Codes;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Quantized matrices of every kind: against the plain reference, in both forms of the loops, whatever the batch. */
class QuantizedProductsTest {
    private static final DType[] SCALE_TYPES = {DType.F32, DType.BF16, DType.F16};
    private static final ActivationScheme[] SCHEMES = {
        ActivationScheme.NONE,
        ActivationScheme.dynamic(ActivationScheme.Kind.INT8, 0),
        ActivationScheme.dynamic(ActivationScheme.Kind.E4M3, 0),
        ActivationScheme.dynamic(ActivationScheme.Kind.E4M3, 128),
        ActivationScheme.fixed(ActivationScheme.Kind.INT8, 0.02f, 0),
        ActivationScheme.fixed(ActivationScheme.Kind.INT8, 0.015f, -37),
        ActivationScheme.fixed(ActivationScheme.Kind.E4M3, 0.004f, 0),
        new ActivationScheme(ActivationScheme.Kind.INT8, true, 0, false, 1, 0),
        new ActivationScheme(ActivationScheme.Kind.INT8, true, 64, true, 1, 0),
    };

    private final Random random = new Random(17);
    private final WorkerPool pool = new WorkerPool(3);
    private final WeightPacker packer = new WeightPacker(pool, new HeapBudget(), 0);
    private final CpuGemm vector = new CpuGemm(pool, new LoopChoice(CpuLoops.vector()), packer);
    private final CpuGemm plain = new CpuGemm(pool, new LoopChoice(CpuLoops.plain()), packer);
    private final ReferenceGemm reference = new ReferenceGemm(pool);

    @AfterEach
    void close() {
        pool.close();
    }

    private ArrayMatrix random(
            Codes codes, int group, boolean symmetric, boolean ordered, DType type, int out, int in) {
        return ArrayMatrix.random(random, codes, group, symmetric, ordered, type, out, in);
    }

    private void check(LinearWeight weight, int numRows) {
        Linear linear = vector.load(weight);
        Tensor x = CpuTensors.random(random, numRows + 1, weight.inFeatures() + 3, 5);
        Tensor actual = CpuTensors.poisoned(numRows + 2, weight.outFeatures() + 2, 7);
        Tensor expected = CpuTensors.copy(actual);
        Tensor scalar = CpuTensors.copy(actual);
        vector.matmul(actual, x, linear, numRows);
        plain.matmul(scalar, x, linear, numRows);
        reference.matmul(expected, x, reference.load(weight), numRows);
        double tolerance = 2e-6 * Math.sqrt(weight.inFeatures()) + 1e-6;
        CpuTensors.assertClose(actual, expected, numRows, weight.outFeatures(), tolerance);
        CpuTensors.assertUntouched(actual, numRows, weight.outFeatures());
        assertThat(scalar.floats()).isEqualTo(actual.floats());
    }

    @Test
    void codesAndGroups() {
        for (Codes codes : Codes.values()) {
            for (int in : new int[] {8, 64, 96, 172, 207, 384, 702, 1152}) {
                for (int group : new int[] {5, 16, 24, 32, 64, 100, 128, 300, in}) {
                    boolean symmetric = random.nextBoolean();
                    boolean ordered = random.nextInt(4) == 0;
                    DType type = SCALE_TYPES[random.nextInt(3)];
                    check(
                            random(codes, group, symmetric, ordered, type, 29 + random.nextInt(30), in)
                                    .weight(ActivationScheme.NONE),
                            1 + random.nextInt(9));
                }
            }
        }
    }

    @Test
    void everyBatchAndScheme() {
        for (int numRows : new int[] {1, 2, 3, 4, 5, 6, 8, 9, 16, 33, 170}) {
            for (ActivationScheme scheme : SCHEMES) {
                Codes codes = Codes.values()[random.nextInt(Codes.values().length)];
                int group = new int[] {16, 32, 128, 1280}[random.nextInt(4)];
                boolean symmetric = random.nextBoolean();
                DType type = SCALE_TYPES[random.nextInt(3)];
                boolean ordered = random.nextBoolean();
                check(random(codes, group, symmetric, ordered, type, 45, 600).weight(scheme), numRows);
            }
        }
    }

    @Test
    void stackedPartsWithTheirOwnOrderAndRounding() {
        ArrayMatrix ordered = random(Codes.INT4, 32, false, true, DType.F16, 40, 320);
        LinearWeight stacked = new LinearWeight.Stacked(
                "qkv",
                List.of(
                        ordered.weight(ActivationScheme.NONE),
                        random(Codes.INT8, 320, true, false, DType.F32, 23, 320).weight(SCHEMES[1]),
                        CpuTensors.dense(random, DType.BF16, 19, 320, true),
                        random(Codes.E4M3, 128, true, false, DType.F32, 33, 320).weight(SCHEMES[3]),
                        random(Codes.INT4, 128, true, true, DType.BF16, 17, 320).weight(SCHEMES[1])));
        for (int numRows : new int[] {1, 2, 5, 7, 40}) {
            check(stacked, numRows);
        }
        assertThat(((CpuLinear) vector.load(stacked)).products).hasSize(5);
        LinearWeight alike = new LinearWeight.Stacked(
                "gate_up", List.of(ordered.weight(ActivationScheme.NONE), ordered.weight(ActivationScheme.NONE)));
        assertThat(((CpuLinear) vector.load(alike)).products).hasSize(1);
    }

    @Test
    void rowsDoNotDependOnTheBatch() {
        for (Codes codes : Codes.values()) {
            for (ActivationScheme scheme : SCHEMES) {
                LinearWeight weight = random(codes, 64, false, random.nextBoolean(), DType.F32, 65, 1150)
                        .weight(scheme);
                Linear linear = vector.load(weight);
                Tensor x = CpuTensors.random(random, 34, weight.inFeatures(), 0);
                Tensor all = CpuTensors.poisoned(34, weight.outFeatures(), 0);
                vector.matmul(all, x, linear, 34);
                for (int numRows : new int[] {1, 2, 3, 5, 8, 17}) {
                    Tensor some = CpuTensors.poisoned(34, weight.outFeatures(), 0);
                    vector.matmul(some, x, linear, numRows);
                    int count = numRows * weight.outFeatures();
                    assertThat(Arrays.copyOf(some.floats(), count)).isEqualTo(Arrays.copyOf(all.floats(), count));
                }
            }
        }
    }

    @Test
    void roundingIsTheDefinition() {
        for (ActivationScheme scheme : SCHEMES) {
            for (int length : new int[] {1, 7, 8, 64, 200, 1000}) {
                float[] x = new float[length];
                for (int i = 0; i < length; i++) {
                    // Ties, both sides of every border, tiny and huge.
                    x[i] = switch (random.nextInt(4)) {
                        case 0 -> (float) random.nextGaussian();
                        case 1 -> (random.nextInt(2000) - 1000) * 0.5f * scheme.scale();
                        case 2 -> (float) (random.nextGaussian() * Math.pow(2, random.nextInt(30) - 20));
                        default -> 0;
                    };
                }
                float[] expected = ReferenceRounding.round(scheme, x);
                if (scheme.kind() == ActivationScheme.Kind.NONE) {
                    continue;
                }
                for (PanelLoops loops :
                        List.of(CpuLoops.vector().panels(), CpuLoops.plain().panels())) {
                    float[] actual = new float[length];
                    InputRounding.round(loops, scheme, x, 0, length, actual, 0);
                    for (int i = 0; i < length; i++) {
                        assertThat(actual[i] == expected[i])
                                .as("%s of %s: %s, expected %s", scheme, x[i], actual[i], expected[i])
                                .isTrue();
                    }
                }
            }
        }
    }

    @Test
    void everyEightBitFloatIsExact() {
        byte[][] values = new byte[17][256];
        float[][] scales = new float[17][1];
        for (int row = 0; row < 17; row++) {
            for (int code = 0; code < 256; code++) {
                values[row][code] = (byte) ((code & 0x7f) == 0x7f ? 0 : code);
            }
            scales[row][0] = (float) Math.pow(2, row - 8);
        }
        ArrayMatrix matrix =
                new ArrayMatrix(17, 256, Codes.E4M3, 256, true, null, DType.F32, values, scales, new float[0][]);
        CpuLinear linear = packer.pack(matrix.weight(ActivationScheme.NONE));
        PackedMatrix packed = linear.parts.get(0);
        for (CpuLoops loops : List.of(CpuLoops.vector(), CpuLoops.plain())) {
            CpuGemm gemm = new CpuGemm(pool, new LoopChoice(loops), packer);
            float[] row = new float[256];
            packed.unpackRow(11, row, 0);
            Tensor one = CpuTensors.vector(new float[256]);
            Tensor out = CpuTensors.poisoned(1, 17, 0);
            for (int code = 0; code < 256; code++) {
                one.floats()[code] = 1;
                gemm.matmul(out, one, linear, 1);
                one.floats()[code] = 0;
                float expected = FloatBits.f8e4m3ToFloat(values[0][code]) * 8;
                assertThat(row[code] == expected && out.floats()[11] == expected)
                        .as("%s, %s, expected %s", row[code], out.floats()[11], expected)
                        .isTrue();
            }
        }
    }

    @Test
    void refusesEightBitFloatsThatAreNoNumbers() {
        ArrayMatrix matrix = random(Codes.E4M3, 64, true, false, DType.F32, 20, 64);
        matrix.values()[19][63] = (byte) 0xff;
        assertThatThrownBy(() -> packer.pack(matrix.weight(ActivationScheme.NONE)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not a number");
    }

    @Test
    void refusesScalesThatTheirTypeDoesNotHold() {
        ArrayMatrix matrix = random(Codes.INT4, 32, true, false, DType.F16, 20, 64);
        matrix.scales()[3][0] = 1.0001f;
        assertThatThrownBy(() -> packer.pack(matrix.weight(ActivationScheme.NONE)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("1.0001");
    }

    @Test
    void residentBytesAreWhatLoadKeeps() {
        for (Codes codes : Codes.values()) {
            for (int in : new int[] {64, 207, 1152}) {
                for (int group : new int[] {5, 16, 32, 64, 128, in}) {
                    for (DType type : SCALE_TYPES) {
                        ArrayMatrix matrix = random(codes, group, random.nextBoolean(), false, type, 30, in);
                        LinearWeight weight = matrix.weight(ActivationScheme.NONE);
                        assertThat(vector.residentBytes(weight))
                                .as(matrix.name())
                                .isEqualTo(vector.load(weight).weightBytes()
                                        + 4L * Lanes.roundUp(30, PackedMatrix.PANEL_ROWS));
                    }
                }
            }
        }
    }

    @Test
    void bytesOfAWeight() {
        List<String> bits = new ArrayList<>();
        for (Codes codes : Codes.values()) {
            for (int group : new int[] {32, 128, 4096}) {
                ArrayMatrix matrix = random(codes, group, true, false, DType.BF16, 64, 4096);
                bits.add(codes + " g" + group + " " + GroupMatrix.numBytes(matrix) * 8.0 / 64 / 4096);
            }
        }
        assertThat(bits)
                .contains("INT4 g32 4.5", "INT4 g128 4.25", "INT5 g32 5.5", "INT6 g32 6.5", "INT8 g32 8.5")
                .contains("E4M3 g128 8.25", "INT8 g4096 8.0078125");
    }

    @Test
    void embeddingsOfEveryKind() {
        CpuEmbedding embedding = new CpuEmbedding(packer);
        ReferenceEmbedding plainEmbedding = new ReferenceEmbedding();
        int[] ids = {49, 0, 17, 17};
        for (Codes codes : Codes.values()) {
            for (boolean ordered : new boolean[] {false, true}) {
                LinearWeight matrix =
                        random(codes, 32, false, ordered, DType.F16, 50, 200).weight(ActivationScheme.NONE);
                EmbeddingTable table = embedding.load(matrix);
                Tensor actual = CpuTensors.poisoned(5, 200, 3);
                Tensor expected = CpuTensors.copy(actual);
                embedding.lookup(actual, table, ids, 4, 3);
                plainEmbedding.lookup(expected, plainEmbedding.load(matrix), ids, 4, 3);
                CpuTensors.assertClose(actual, expected, 4, 200, 1e-6);
                CpuTensors.assertUntouched(actual, 4, 200);

                Tensor x = CpuTensors.random(random, 4, 200, 0);
                Tensor logits = CpuTensors.poisoned(4, 50, 0);
                Tensor expectedLogits = CpuTensors.copy(logits);
                vector.matmul(logits, x, vector.tied(table), 4);
                reference.matmul(expectedLogits, x, reference.load(matrix), 4);
                CpuTensors.assertClose(logits, expectedLogits, 4, 50, 1e-5);
            }
        }
    }

    @Test
    void integersOfATinyModelAreRoundedToBf16() {
        int in = 640;
        ArrayMatrix ordered = random(Codes.INT4, 128, false, true, DType.BF16, 33, in);
        LinearWeight.Quantized integers = ordered.weight(ActivationScheme.NONE);
        LinearWeight.Quantized floats =
                random(Codes.E4M3, 128, true, false, DType.F32, 33, in).weight(ActivationScheme.NONE);
        LinearWeight.Quantized rounding =
                random(Codes.INT8, in, true, false, DType.F32, 33, in).weight(SCHEMES[1]);
        List<LinearWeight> model = List.of(integers, floats, rounding);

        WeightPacker tiny = new WeightPacker(pool, new HeapBudget(), 3 * 33 * in);
        assertThat(tiny.pack(integers).parts.get(0)).isInstanceOf(GroupMatrix.class);
        tiny.expect(model);
        CpuLinear expanded = tiny.pack(integers);
        assertThat(expanded.isBf16()).isTrue();
        assertThat(tiny.residentBytes(integers)).isEqualTo(expanded.weightBytes() + 4L * 48);
        assertThat(tiny.pack(floats).parts.get(0)).isInstanceOf(GroupMatrix.class);
        assertThat(tiny.pack(rounding).parts.get(0)).isInstanceOf(GroupMatrix.class);

        float[] exact = new float[in];
        float[] rounded = new float[in];
        DequantizedRows reader = new DequantizedRows(ordered, 0, 33);
        for (int row = 0; row < 33; row++) {
            reader.copyTo(row, exact, 0);
            expanded.parts.get(0).unpackRow(row, rounded, 0);
            for (int k = 0; k < in; k++) {
                assertThat(rounded[ordered.columnOrder()[k]])
                        .isEqualTo(FloatBits.bf16ToFloat(FloatBits.floatToBf16(exact[k])));
            }
        }

        WeightPacker larger = new WeightPacker(pool, new HeapBudget(), 3 * 33 * in - 1);
        larger.expect(model);
        assertThat(larger.pack(integers).parts.get(0)).isInstanceOf(GroupMatrix.class);
    }
}
