package dev.quire.weights.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.ActivationScheme.Kind;
import dev.quire.tensor.DType;
import dev.quire.tensor.QuantizedMatrix;
import dev.quire.tensor.QuantizedMatrix.Codes;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.ModelFiles;
import dev.quire.weights.SafetensorsBuilder;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ByteWeightTest {
    private static final int ROWS = 13;
    private static final int COLS = 37;

    @TempDir
    Path dir;

    private Checkpoint open(SafetensorsBuilder builder) {
        builder.writeTo(dir.resolve("model.safetensors"));
        return Checkpoint.open(ModelFiles.ofDirectory(dir));
    }

    private static ByteScheme scheme(Codes codes, int scaleRows, int scaleCols, boolean symmetric) {
        return new ByteScheme(codes, scaleRows, scaleCols, symmetric, "weight_scale", InputScheme.NONE);
    }

    /** Tensor, channel, group, block with ragged last blocks. */
    @ParameterizedTest
    @CsvSource({"0,0", "1,0", "1,8", "4,16", "5,36", "16,64"})
    void everyElementTimesTheScaleOfItsBlock(int scaleRows, int scaleCols) {
        Random random = new Random(scaleRows + 31 * scaleCols);
        int blockRows = scaleRows == 0 ? 1 : (ROWS + scaleRows - 1) / scaleRows;
        int blockCols = scaleCols == 0 ? 1 : (COLS + scaleCols - 1) / scaleCols;
        byte[] bytes = new byte[ROWS * COLS];
        random.nextBytes(bytes);
        byte[] zeros = new byte[blockRows * blockCols];
        random.nextBytes(zeros);
        float[] scales = new float[blockRows * blockCols];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = (1 + random.nextInt(200)) / 1024f;
        }
        long[] blocks = scaleRows + scaleCols == 0 ? new long[] {1} : new long[] {blockRows, blockCols};
        Checkpoint checkpoint = open(new SafetensorsBuilder()
                .raw("i.weight", DType.I8, new long[] {ROWS, COLS}, bytes)
                .floats("i.weight_scale", blocks, scales)
                .raw("i.weight_zero_point", DType.I8, blocks, zeros)
                .raw("f.weight", DType.F8_E4M3, new long[] {ROWS, COLS}, bytes)
                .bf16("f.weight_scale", blocks, scales));
        QuantizedMatrix symmetric = load(checkpoint, "i", scheme(Codes.INT8, scaleRows, scaleCols, true));
        QuantizedMatrix asymmetric = load(checkpoint, "i", scheme(Codes.INT8, scaleRows, scaleCols, false));
        QuantizedMatrix floats = load(checkpoint, "f", scheme(Codes.E4M3, scaleRows, scaleCols, true));
        assertThat(symmetric.isSymmetric() && floats.isSymmetric() && !asymmetric.isSymmetric())
                .isTrue();
        for (int first : new int[] {0, 1, 6}) {
            float[] ofSymmetric = Decoded.rows(symmetric, first, 7);
            float[] ofAsymmetric = Decoded.rows(asymmetric, first, 7);
            float[] ofFloats = Decoded.rows(floats, first, 7);
            for (int i = 0; i < 7 * COLS; i++) {
                int row = first + i / COLS;
                int col = i % COLS;
                int block = (scaleRows == 0 ? 0 : row / scaleRows) * blockCols + (scaleCols == 0 ? 0 : col / scaleCols);
                byte q = bytes[row * COLS + col];
                assertThat(ofSymmetric[i]).isEqualTo(q * scales[block]);
                assertThat(ofAsymmetric[i]).isEqualTo((q - zeros[block]) * scales[block]);
                assertThat(ofFloats[i]).isEqualTo(Float.valueOf(e4m3(q) * scales[block]));
            }
        }
    }

    /** By the definition: 4 exponent bits of bias 7, 3 significand bits, no infinities. */
    private static float e4m3(byte bits) {
        int exponent = bits >> 3 & 15;
        int fraction = bits & 7;
        if (exponent == 15 && fraction == 7) {
            return Float.NaN;
        }
        double value = exponent == 0 ? fraction / 512.0 : (8 + fraction) * Math.pow(2, exponent - 10);
        return (float) (bits < 0 ? -value : value);
    }

    private static QuantizedMatrix load(Checkpoint checkpoint, String prefix, ByteScheme scheme) {
        return scheme.load(checkpoint, prefix, ROWS, COLS).matrix();
    }

    @Test
    void scalesMayLackDimensionsOfOne() {
        byte[] bytes = {8, 16, 24, 32};
        Checkpoint checkpoint = open(new SafetensorsBuilder()
                .raw("a.weight", DType.I8, new long[] {2, 2}, bytes)
                .floats("a.weight_scale", new long[0], 2)
                .raw("b.weight", DType.I8, new long[] {2, 2}, bytes)
                .f16("b.weight_scale", new long[] {2}, 1, 2)
                .raw("c.weight", DType.I8, new long[] {2, 2}, bytes)
                .f16("c.weight_scale", new long[] {1, 1}, 3));
        assertThat(Decoded.all(scheme(Codes.INT8, 0, 0, true)
                        .load(checkpoint, "a", 2, 2)
                        .matrix()))
                .containsExactly(16, 32, 48, 64);
        assertThat(Decoded.all(scheme(Codes.INT8, 1, 0, true)
                        .load(checkpoint, "b", 2, 2)
                        .matrix()))
                .containsExactly(8, 16, 48, 64);
        assertThat(Decoded.all(scheme(Codes.INT8, 0, 0, true)
                        .load(checkpoint, "c", 2, 2)
                        .matrix()))
                .containsExactly(24, 48, 72, 96);
    }

    @Test
    void blockScalesArePowersOfTwoToo() {
        Checkpoint checkpoint = open(new SafetensorsBuilder()
                .raw("a.weight", DType.F8_E4M3, new long[] {2, 2}, new byte[] {0x38, 0x40, 0x30, (byte) 0xb8})
                .raw("a.weight_scale_inv", DType.F8_E8M0, new long[] {1, 2}, new byte[] {126, (byte) 130}));
        ByteScheme scheme = new ByteScheme(Codes.E4M3, 2, 1, true, "weight_scale_inv", InputScheme.NONE);
        assertThat(Decoded.all(scheme.load(checkpoint, "a", 2, 2).matrix())).containsExactly(.5f, 16, .25f, -8);
    }

    @Test
    void inputsAreRoundedAsTheLayerSays() {
        Checkpoint checkpoint = open(new SafetensorsBuilder()
                .raw("a.weight", DType.I8, new long[] {1, 2}, new byte[2])
                .floats("a.weight_scale", new long[] {1, 1}, 1)
                .floats("a.input_scale", new long[] {1}, 0.25f)
                .raw("a.input_zero_point", DType.I8, new long[] {1}, new byte[] {-7})
                .raw("b.weight", DType.I8, new long[] {1, 2}, new byte[2])
                .floats("b.weight_scale", new long[] {1, 1}, 1)
                .bf16("b.activation_scale", new long[0], 0.5f)
                .raw("c.weight", DType.I8, new long[] {1, 2}, new byte[2])
                .floats("c.weight_scale", new long[] {1, 1}, 1)
                .floats("c.input_scale", new long[] {1}, 0));
        assertThat(input(checkpoint, "a", new InputScheme(Kind.INT8, false, 0, false)))
                .isEqualTo(ActivationScheme.fixed(Kind.INT8, 0.25f, -7));
        assertThat(input(checkpoint, "a", new InputScheme(Kind.INT8, false, 0, true)))
                .isEqualTo(ActivationScheme.fixed(Kind.INT8, 0.25f, 0));
        assertThat(input(checkpoint, "b", new InputScheme(Kind.E4M3, false, 0, true)))
                .isEqualTo(ActivationScheme.fixed(Kind.E4M3, 0.5f, 0));
        assertThat(input(checkpoint, "a", InputScheme.dynamic(Kind.E4M3, 128)))
                .isEqualTo(ActivationScheme.dynamic(Kind.E4M3, 128));
        assertThat(input(checkpoint, "a", new InputScheme(Kind.INT8, true, 0, false)))
                .isEqualTo(new ActivationScheme(Kind.INT8, true, 0, false, 1, 0));
        assertThatThrownBy(() -> input(checkpoint, "c", new InputScheme(Kind.INT8, false, 0, true)))
                .hasMessageContaining("tensor 'c.input_scale' is 0.0, expected a positive scale");
        assertThatThrownBy(() -> input(checkpoint, "b", new InputScheme(Kind.INT8, false, 0, false)))
                .hasMessageContaining("tensor 'b.input_zero_point' is missing");
    }

    private static ActivationScheme input(Checkpoint checkpoint, String prefix, InputScheme input) {
        return new ByteScheme(Codes.INT8, 1, 0, true, "weight_scale", input)
                .load(checkpoint, prefix, 1, 2)
                .activations();
    }

    @Test
    void contradictionsNameTheTensor() {
        Checkpoint checkpoint = open(new SafetensorsBuilder()
                .raw("a.weight", DType.I8, new long[] {3, 2}, new byte[6])
                .floats("a.weight_scale", new long[] {2, 1}, 1, 1));
        assertThatThrownBy(() -> scheme(Codes.INT8, 1, 0, true).load(checkpoint, "a", 3, 2))
                .hasMessageContaining("tensor 'a.weight_scale' has shape [2, 1], expected [3, 1]");
        assertThatThrownBy(() -> scheme(Codes.E4M3, 1, 0, true).load(checkpoint, "a", 3, 2))
                .hasMessageContaining("tensor 'a.weight' has type I8, expected F8_E4M3");
        assertThatThrownBy(() -> scheme(Codes.INT8, 2, 2, true).load(checkpoint, "b", 3, 2))
                .hasMessageContaining("tensor 'b.weight' is missing");
    }
}
