package dev.quire.weights.quant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.tensor.ActivationScheme.Kind;
import dev.quire.tensor.QuantizedMatrix.Codes;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.ModelFiles;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Random weights of every scheme: finite, about as wide as trained ones, as reordered as the scheme says. */
class DummyQuantizationTest {
    private static final int ROWS = 72;
    private static final int COLS = 264;

    static Stream<LinearScheme> schemes() {
        return Stream.of(
                new WeightScheme(4, 32, true, false),
                new WeightScheme(4, 32, false, true),
                new WeightScheme(8, 0, true, false),
                new WeightScheme(8, 24, false, false),
                bytes(Codes.INT8, 1, 0, true),
                bytes(Codes.INT8, 0, 0, false),
                bytes(Codes.E4M3, 0, 0, true),
                bytes(Codes.E4M3, 128, 128, true),
                new GptqScheme(4, 24, true, false, 1),
                new GptqScheme(4, 24, true, true, 0),
                new GptqScheme(4, 0, false, true, 1),
                new GptqScheme(8, 64, true, true, 1),
                new GptqScheme(8, 64, false, false, 0),
                new AwqScheme(88),
                new AwqScheme(0));
    }

    private static ByteScheme bytes(Codes codes, int scaleRows, int scaleCols, boolean symmetric) {
        Kind kind = codes == Codes.E4M3 ? Kind.E4M3 : Kind.INT8;
        return new ByteScheme(
                codes, scaleRows, scaleCols, symmetric, "weight_scale", new InputScheme(kind, false, 0, symmetric));
    }

    @ParameterizedTest
    @MethodSource("schemes")
    void areAsWideAsTrainedOnes(LinearScheme scheme) {
        Checkpoint dummy = Checkpoint.dummy(ModelFiles.ofDirectory(Path.of("none")), 3);
        QuantizedLinear linear = scheme.load(dummy, "p", ROWS, COLS);
        double squares = 0;
        for (float value : Decoded.all(linear.matrix())) {
            squares += value * value;
        }
        assertThat(Math.sqrt(squares / (ROWS * COLS))).isBetween(0.015, 0.03);
        if (scheme instanceof WeightScheme packed) {
            assertThat(linear.matrix().isSymmetric()).isEqualTo(packed.symmetric());
            assertThat(linear.matrix().columnOrder() != null).isEqualTo(packed.groupIndexed());
        }
        if (scheme instanceof GptqScheme gptq) {
            assertThat(linear.matrix().isSymmetric()).isEqualTo(gptq.symmetric());
            assertThat(linear.matrix().columnOrder() != null).isEqualTo(gptq.reordered() && gptq.groupSize() > 0);
        }
        assertThat(linear.matrix().sizeBytes()).isPositive();
    }
}
