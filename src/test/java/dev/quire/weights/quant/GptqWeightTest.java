package dev.quire.weights.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.tensor.QuantizedMatrix;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.ModelFiles;
import dev.quire.weights.SafetensorsBuilder;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GptqWeightTest {
    private static final int ROWS = 24;
    private static final int COLS = 72;

    @TempDir
    Path dir;

    private Checkpoint open(SafetensorsBuilder builder) {
        builder.writeTo(dir.resolve("model.safetensors"));
        return Checkpoint.open(ModelFiles.ofDirectory(dir));
    }

    private record Layer(int bits, int groupSize, int[][] q, int[][] zero, float[] scales, int[] group) {
        int numGroups() {
            return (COLS + groupSize - 1) / groupSize;
        }

        static Layer random(int bits, int groupSize, boolean symmetric, boolean reordered) {
            Random random = new Random(bits + groupSize);
            int numGroups = (COLS + groupSize - 1) / groupSize;
            int[][] q = new int[COLS][ROWS];
            int[][] zero = new int[numGroups][ROWS];
            float[] scales = new float[numGroups * ROWS];
            int[] group = new int[COLS];
            for (int k = 0; k < COLS; k++) {
                for (int n = 0; n < ROWS; n++) {
                    q[k][n] = random.nextInt(1 << bits);
                }
                // 5 has no common factor with 72.
                group[k] = (reordered ? k * 5 % COLS : k) / groupSize;
            }
            for (int i = 0; i < scales.length; i++) {
                zero[i / ROWS][i % ROWS] = symmetric ? 1 << bits - 1 : random.nextInt(1 << bits);
                scales[i] = (1 + random.nextInt(64)) / 256f;
            }
            return new Layer(bits, groupSize, q, zero, scales, group);
        }

        /** As AutoGPTQ's pack: loops over bits, not over words. */
        SafetensorsBuilder write(String prefix, int zeroOffset, boolean withGroups) {
            int perWord = 32 / bits;
            int[] qweight = new int[COLS / perWord * ROWS];
            int[] qzeros = new int[numGroups() * ROWS / perWord];
            for (int k = 0; k < COLS; k++) {
                for (int n = 0; n < ROWS; n++) {
                    for (int bit = 0; bit < bits; bit++) {
                        int set = q[k][n] >> bit & 1;
                        qweight[k * bits / 32 * ROWS + n] |= set << k * bits % 32 + bit;
                    }
                }
            }
            for (int g = 0; g < numGroups(); g++) {
                for (int n = 0; n < ROWS; n++) {
                    int stored = zero[g][n] - zeroOffset & (1 << bits) - 1;
                    qzeros[g * ROWS / perWord + n / perWord] |= stored << n % perWord * bits;
                }
            }
            SafetensorsBuilder file = new SafetensorsBuilder()
                    .ints(prefix + ".qweight", new long[] {COLS / perWord, ROWS}, qweight)
                    .ints(prefix + ".qzeros", new long[] {numGroups(), ROWS / perWord}, qzeros)
                    .f16(prefix + ".scales", new long[] {numGroups(), ROWS}, scales);
            return withGroups ? file.ints(prefix + ".g_idx", new long[] {COLS}, group) : file;
        }

        float expected(int n, int k) {
            return (q[k][n] - zero[group[k]][n]) * scales[group[k] * ROWS + n];
        }
    }

    @ParameterizedTest
    @CsvSource({
        "4,16,true,false,1", "4,16,true,true,1", "4,8,false,true,1", "4,32,false,false,0",
        "8,16,true,false,0", "8,24,true,true,0", "8,16,false,true,1", "4,72,true,false,0"
    })
    void decodesWhatWasPacked(int bits, int groupSize, boolean symmetric, boolean reordered, int zeroOffset) {
        Layer layer = Layer.random(bits, groupSize, symmetric, reordered);
        Checkpoint checkpoint = open(layer.write("p", zeroOffset, true));
        QuantizedMatrix matrix = new GptqScheme(
                        bits, groupSize == COLS ? 0 : groupSize, symmetric, reordered, zeroOffset)
                .load(checkpoint, "p", ROWS, COLS)
                .matrix();
        assertThat(matrix.isSymmetric()).isEqualTo(symmetric);
        assertThat(matrix.columnOrder() != null).isEqualTo(reordered);
        for (int first : new int[] {0, 3, 8}) {
            float[] actual = Decoded.rows(matrix, first, 13);
            for (int i = 0; i < actual.length; i++) {
                assertThat(actual[i]).isEqualTo(layer.expected(first + i / COLS, i % COLS));
            }
        }
    }

    @Test
    void withoutGroupIndicesGroupsAreRuns() {
        Layer layer = Layer.random(4, 8, false, false);
        QuantizedMatrix matrix = new GptqScheme(4, 8, false, false, 1)
                .load(open(layer.write("p", 1, false)), "p", ROWS, COLS)
                .matrix();
        assertThat(Decoded.all(matrix)[5 * COLS + 70]).isEqualTo(layer.expected(5, 70));
    }

    /** Files whose configuration names the other version are about; the words of symmetric zero points tell. */
    @ParameterizedTest
    @CsvSource({"4,0,1", "4,1,0", "8,0,1", "8,1,0"})
    void symmetricZeroPointsTellTheVersion(int bits, int written, int declared) {
        Layer layer = Layer.random(bits, 24, true, false);
        QuantizedMatrix matrix = new GptqScheme(bits, 24, true, false, declared)
                .load(open(layer.write("p", written, false)), "p", ROWS, COLS)
                .matrix();
        assertThat(matrix.isSymmetric()).isTrue();
        assertThat(Decoded.all(matrix)[7 * COLS + 9]).isEqualTo(layer.expected(7, 9));
    }

    @Test
    void aFileThatIsNotAsSymmetricAsItSaysIsReadAsItIs() {
        Layer layer = Layer.random(4, 24, false, false);
        QuantizedMatrix matrix = new GptqScheme(4, 24, true, false, 1)
                .load(open(layer.write("p", 1, false)), "p", ROWS, COLS)
                .matrix();
        assertThat(matrix.isSymmetric()).isFalse();
        assertThat(Decoded.all(matrix)[3 * COLS + 30]).isEqualTo(layer.expected(3, 30));
    }

    @Test
    void contradictionsNameTheTensor() {
        Layer layer = Layer.random(4, 8, true, false);
        Checkpoint checkpoint = open(layer.write("p", 1, false));
        assertThatThrownBy(() -> new GptqScheme(4, 8, true, true, 1).load(checkpoint, "p", ROWS, COLS))
                .hasMessageContaining("tensor 'p.g_idx' is missing");
        assertThatThrownBy(() -> new GptqScheme(4, 16, true, false, 1).load(checkpoint, "p", ROWS, COLS))
                .hasMessageContaining("tensor 'p.qzeros' has shape [9, 3], expected [5, 3]");
        assertThatThrownBy(() -> new GptqScheme(8, 8, true, false, 1).load(checkpoint, "p", ROWS, COLS))
                .hasMessageContaining("tensor 'p.qweight' has shape [9, 24], expected [18, 24]");
        assertThatThrownBy(() -> new GptqScheme(4, 8, true, false, 1).load(checkpoint, "p", ROWS, 70))
                .hasMessageContaining("tensor 'p.qweight' is of a layer [24, 70]: words of 8 do not fit");
    }
}
