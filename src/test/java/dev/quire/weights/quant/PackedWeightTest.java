package dev.quire.weights.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.weights.Checkpoint;
import dev.quire.weights.CheckpointException;
import dev.quire.weights.ModelFiles;
import dev.quire.weights.SafetensorsBuilder;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PackedWeightTest {
    @TempDir
    Path dir;

    private Checkpoint open(SafetensorsBuilder builder) {
        builder.writeTo(dir.resolve("model.safetensors"));
        return Checkpoint.open(ModelFiles.ofDirectory(dir));
    }

    @Test
    void theSixteenCodesOfTheFormat() {
        SafetensorsBuilder file = new SafetensorsBuilder()
                .ints("p.weight_packed", new long[] {1, 2}, 0x76543210, 0xFEDCBA98)
                .bf16("p.weight_scale", new long[] {1, 2}, 0.5f, 2)
                .longs("p.weight_shape", new long[] {2}, 1, 16);
        PackedWeight weight = PackedWeight.load(open(file), "p", new WeightScheme(4, 8, true, false), 1, 16);
        assertThat(Decoded.rows(weight, 0, 1))
                .containsExactly(-4, -3.5f, -3, -2.5f, -2, -1.5f, -1, -.5f, 0, 2, 4, 6, 8, 10, 12, 14);
    }

    @Test
    void eightBitsPerChannel() {
        SafetensorsBuilder file = new SafetensorsBuilder()
                .ints("p.weight_packed", new long[] {2, 2}, 0xff818000, 0x7f, 0x80808080, 0x80)
                .floats("p.weight_scale", new long[] {2, 1}, 0.25f, 1);
        PackedWeight weight = PackedWeight.load(open(file), "p", new WeightScheme(8, 0, true, false), 2, 5);
        assertThat(Decoded.rows(weight, 0, 2)).containsExactly(-32, 0, .25f, 31.75f, -.25f, 0, 0, 0, 0, 0);
        assertThat(Decoded.rows(weight, 1, 1)).containsExactly(0, 0, 0, 0, 0);
    }

    /** Packs with big integers, an element at bit index * bits, and compares with w = (q - zero) * scale. */
    @ParameterizedTest
    @CsvSource({
        "4,32,true,false",
        "4,32,false,false",
        "4,32,false,true",
        "8,16,false,true",
        "8,0,false,false",
        "4,0,true,false"
    })
    void unpacksWhatWasPacked(int bits, int groupSize, boolean symmetric, boolean indexed) {
        int numRows = 11;
        int numColumns = 72;
        Random random = new Random(7);
        WeightScheme scheme = new WeightScheme(bits, groupSize, symmetric, indexed);
        int numGroups = scheme.numGroups(numColumns);
        int half = 1 << (bits - 1);
        int[][] q = random(random, numRows, numColumns, half);
        int[][] zero = random(random, numRows, numGroups, symmetric ? 0 : half);
        int[] group = new int[numColumns];
        Arrays.setAll(group, k -> groupSize == 0 ? 0 : k / groupSize);
        if (indexed) {
            shuffle(random, group);
        }
        float[] scales = new float[numRows * numGroups];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = (1 + random.nextInt(64)) / 256f;
        }
        int[] packed = new int[numRows * scheme.numWords(numColumns)];
        for (int n = 0; n < numRows; n++) {
            int[] words = pack(q[n], bits);
            System.arraycopy(words, 0, packed, n * words.length, words.length);
        }
        int zeroRows = scheme.numWords(numRows);
        int[] packedZeros = new int[zeroRows * numGroups];
        for (int g = 0; g < numGroups; g++) {
            int column = g;
            int[] words = pack(Arrays.stream(zero).mapToInt(row -> row[column]).toArray(), bits);
            for (int i = 0; i < zeroRows; i++) {
                packedZeros[i * numGroups + g] = words[i];
            }
        }
        SafetensorsBuilder file = new SafetensorsBuilder()
                .ints("p.weight_packed", new long[] {numRows, scheme.numWords(numColumns)}, packed)
                .bf16("p.weight_scale", new long[] {numRows, numGroups}, scales)
                .longs("p.weight_shape", new long[] {2}, numRows, numColumns);
        if (!symmetric) {
            file.ints("p.weight_zero_point", new long[] {zeroRows, numGroups}, packedZeros);
        }
        if (indexed) {
            file.ints("p.weight_g_idx", new long[] {numColumns}, group);
        }
        PackedWeight weight = PackedWeight.load(open(file), "p", scheme, numRows, numColumns);
        float[] actual = Decoded.rows(weight, 2, 9);
        assertThat(weight.columnOrder() != null).isEqualTo(indexed);
        for (int n = 2; n < numRows; n++) {
            for (int k = 0; k < numColumns; k++) {
                float expected = (q[n][k] - zero[n][group[k]]) * scales[n * numGroups + group[k]];
                assertThat(actual[(n - 2) * numColumns + k])
                        .as("[%s, %s]", n, k)
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void contradictionsNameTheTensor() {
        WeightScheme scheme = new WeightScheme(4, 8, true, false);
        SafetensorsBuilder file = new SafetensorsBuilder()
                .ints("p.weight_packed", new long[] {1, 2}, 1, 2)
                .bf16("p.weight_scale", new long[] {1, 2}, 1, 1)
                .longs("p.weight_shape", new long[] {2}, 1, 15)
                .ints("q.weight_packed", new long[] {1, 2}, 1, 2)
                .ints("q.weight_scale", new long[] {1, 2}, 1, 1)
                .ints("r.weight_packed", new long[] {1, 2}, 1, 2)
                .bf16("r.weight_scale", new long[] {1, 2}, 1, 1)
                .ints("r.weight_g_idx", new long[] {16}, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2)
                .ints("s.weight_packed", new long[] {1, 2}, 1, 2)
                .bf16("s.weight_scale", new long[] {1, 2}, 1, 1)
                .ints("s.weight_g_idx", new long[] {16}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1);
        Checkpoint checkpoint = open(file);
        assertThatThrownBy(() -> PackedWeight.load(checkpoint, "p", scheme, 1, 16))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("tensor 'p.weight_shape' says [1, 15], expected [1, 16]");
        assertThatThrownBy(() -> PackedWeight.load(checkpoint, "p", scheme, 1, 24))
                .hasMessageContaining("tensor 'p.weight_packed' has shape [1, 2], expected [1, 3]");
        assertThatThrownBy(() -> PackedWeight.load(checkpoint, "q", scheme, 1, 16))
                .hasMessageContaining("tensor 'q.weight_scale' has type I32");
        assertThatThrownBy(() -> PackedWeight.load(checkpoint, "r", new WeightScheme(4, 8, true, true), 1, 16))
                .hasMessageContaining("tensor 'r.weight_g_idx' names group 2 of 2");
        assertThatThrownBy(() -> PackedWeight.load(checkpoint, "s", new WeightScheme(4, 8, true, true), 1, 16))
                .hasMessageContaining("tensor 's.weight_g_idx' gives group 0 9 columns, expected 8");
        assertThatThrownBy(() -> PackedWeight.load(checkpoint, "r", new WeightScheme(4, 8, false, false), 1, 16))
                .hasMessageContaining("tensor 'r.weight_zero_point' is missing");
    }

    @Test
    void groupsInOrderNeedNoOrder() {
        for (int[] groups : new int[][] {{0, 0, 1, 1, 2}, {-1, -1, -1, -1, -1}}) {
            SafetensorsBuilder file = new SafetensorsBuilder()
                    .ints("p.weight_packed", new long[] {1, 1}, 0x54321)
                    .bf16("p.weight_scale", new long[] {1, 3}, 1, 2, 4)
                    .ints("p.weight_g_idx", new long[] {5}, groups);
            PackedWeight weight = PackedWeight.load(open(file), "p", new WeightScheme(4, 2, true, true), 1, 5);
            assertThat(weight.columnOrder()).isNull();
            assertThat(Decoded.all(weight)).containsExactly(-7, -6, -10, -8, -12);
        }
    }

    @Test
    void columnsAreSortedByGroupAndStayInOrderInAGroup() {
        SafetensorsBuilder file = new SafetensorsBuilder()
                .ints("p.weight_packed", new long[] {1, 1}, 0x54321)
                .bf16("p.weight_scale", new long[] {1, 3}, 1, 2, 4)
                .ints("p.weight_g_idx", new long[] {5}, 1, 0, 2, 0, 1);
        PackedWeight weight = PackedWeight.load(open(file), "p", new WeightScheme(4, 2, true, true), 1, 5);
        assertThat(weight.columnOrder()).containsExactly(1, 3, 0, 4, 2);
        byte[] codes = new byte[5];
        weight.rows(0, 1).codes(0, codes, 0);
        assertThat(codes).containsExactly(2, 4, 1, 5, 3);
        assertThat(Decoded.all(weight)).containsExactly(-14, -6, -20, -4, -6);
    }

    private static void shuffle(Random random, int[] values) {
        for (int i = values.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int value = values[i];
            values[i] = values[j];
            values[j] = value;
        }
    }

    private static int[][] random(Random random, int rows, int columns, int half) {
        int[][] values = new int[rows][columns];
        for (int[] row : values) {
            Arrays.setAll(row, i -> half == 0 ? 0 : random.nextInt(2 * half) - half);
        }
        return values;
    }

    private static int[] pack(int[] values, int bits) {
        BigInteger all = BigInteger.ZERO;
        for (int i = 0; i < values.length; i++) {
            all = all.or(BigInteger.valueOf(values[i] + (1 << (bits - 1))).shiftLeft(i * bits));
        }
        int[] words = new int[(values.length * bits + 31) / 32];
        for (int i = 0; i < words.length; i++) {
            words[i] = all.shiftRight(32 * i).intValue();
        }
        return words;
    }
}
