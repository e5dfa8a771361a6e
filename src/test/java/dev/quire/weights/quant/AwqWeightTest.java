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
import org.junit.jupiter.params.provider.ValueSource;

class AwqWeightTest {
    private static final int ROWS = 40;
    private static final int COLS = 53;
    /** AutoAWQ's packing order: nibble i holds this output. */
    private static final int[] ORDER = {0, 2, 4, 6, 1, 3, 5, 7};

    @TempDir
    Path dir;

    private Checkpoint open(SafetensorsBuilder builder) {
        builder.writeTo(dir.resolve("model.safetensors"));
        return Checkpoint.open(ModelFiles.ofDirectory(dir));
    }

    private static int[] pack(int[] values) {
        int[] words = new int[values.length / 8];
        for (int c = 0; c < words.length; c++) {
            for (int i = 0; i < 8; i++) {
                words[c] |= values[8 * c + ORDER[i]] << 4 * i;
            }
        }
        return words;
    }

    private static int[] random(Random random, int count) {
        return random.ints(count, 0, 16).toArray();
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 16, 53})
    void decodesWhatWasPacked(int groupSize) {
        Random random = new Random(groupSize);
        int numGroups = (COLS + groupSize - 1) / groupSize;
        int[] q = random(random, COLS * ROWS);
        int[] zero = random(random, numGroups * ROWS);
        float[] scales = new float[numGroups * ROWS];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = (1 + random.nextInt(64)) / 256f;
        }
        Checkpoint checkpoint = open(new SafetensorsBuilder()
                .ints("p.qweight", new long[] {COLS, ROWS / 8}, pack(q))
                .ints("p.qzeros", new long[] {numGroups, ROWS / 8}, pack(zero))
                .f16("p.scales", new long[] {numGroups, ROWS}, scales));
        QuantizedMatrix matrix = new AwqScheme(groupSize == COLS ? 0 : groupSize)
                .load(checkpoint, "p", ROWS, COLS)
                .matrix();
        for (int first : new int[] {0, 5, 16}) {
            float[] actual = Decoded.rows(matrix, first, 24);
            for (int i = 0; i < actual.length; i++) {
                int n = first + i / COLS;
                int k = i % COLS;
                int at = k / groupSize * ROWS + n;
                assertThat(actual[i]).isEqualTo((q[k * ROWS + n] - zero[at]) * scales[at]);
            }
        }
    }

    @Test
    void contradictionsNameTheTensor() {
        Checkpoint checkpoint = open(new SafetensorsBuilder()
                .ints("p.qweight", new long[] {2, 1}, 0, 0)
                .ints("p.qzeros", new long[] {1, 1}, 0)
                .f16("p.scales", new long[] {1, 8}, new float[8]));
        assertThatThrownBy(() -> new AwqScheme(1).load(checkpoint, "p", 8, 2))
                .hasMessageContaining("tensor 'p.qzeros' has shape [1, 1], expected [2, 1]");
        assertThatThrownBy(() -> new AwqScheme(0).load(checkpoint, "p", 12, 2))
                .hasMessageContaining("tensor 'p.qweight' is of a layer of 12 outputs: words of 8 do not fit");
    }
}
