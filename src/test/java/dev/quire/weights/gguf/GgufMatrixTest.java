package dev.quire.weights.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.kernel.DequantizedRows;
import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.QuantizedMatrix.Codes;
import dev.quire.weights.ModelFiles;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Random blocks of every type against what the gguf package of Python decodes them to, bit for bit. */
class GgufMatrixTest {
    private static final Path BLOCKS = Path.of("src/test/resources/gguf/blocks.gguf");

    private static GgufFile blocks() {
        ModelFiles directory = ModelFiles.ofDirectory(BLOCKS.getParent());
        return GgufFile.read(BLOCKS.toString(), directory.bytes("blocks.gguf"));
    }

    private static GgufTensor tensor(GgufType type) {
        return blocks().tensors().get(type.name());
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"F32", "F16", "BF16"})
    void decodesAsTheReference(GgufType type) {
        GgufFile file = blocks();
        GgufMatrix matrix = new GgufMatrix("layer", file.tensors().get(type.name()), RowOrder.AS_IT_IS);
        float[] expected =
                file.tensors().get(type.name() + ".decoded").plain("decoded").toFloats();
        DequantizedRows rows = new DequantizedRows(matrix, 0, matrix.numRows());
        float[] found = new float[expected.length];
        for (int row = 0; row < matrix.numRows(); row++) {
            rows.copyTo(row, found, row * matrix.numCols());
        }
        assertThat(Arrays.stream(box(expected)).distinct().count()).isGreaterThan(100);
        for (int i = 0; i < expected.length; i++) {
            assertThat(found[i] + 0f).as("element %d", i).isEqualTo(expected[i] + 0f);
        }
    }

    private static Float[] box(float[] values) {
        Float[] boxed = new Float[values.length];
        Arrays.setAll(boxed, i -> values[i]);
        return boxed;
    }

    /** The contract of a matrix without offsets: each is −2^(numBits−1) times its scale. */
    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"F32", "F16", "BF16"})
    void offsetsOfSymmetricTypesFollowFromTheScales(GgufType type) {
        GgufMatrix matrix = new GgufMatrix("layer", tensor(type), RowOrder.AS_IT_IS);
        float[] scales = new float[matrix.numGroups()];
        float[] offsets = new float[matrix.numGroups()];
        matrix.rows(1, 1).scales(0, scales, 0);
        matrix.rows(1, 1).offsets(0, offsets, 0);
        boolean follow = true;
        for (int group = 0; group < scales.length; group++) {
            if (matrix.scaleType() == DType.F16) {
                assertThat(FloatBits.f16ToFloat(FloatBits.floatToF16(scales[group])))
                        .isEqualTo(scales[group]);
            }
            follow &= offsets[group] == -(1 << type.codes().numBits() - 1) * scales[group];
        }
        assertThat(follow).isEqualTo(type.isSymmetric());
    }

    @Test
    void permutedRowsAreThoseOfTheModel() {
        GgufTensor tensor = tensor(GgufType.Q8_0);
        GgufMatrix inFile = new GgufMatrix("layer", tensor, RowOrder.AS_IT_IS);
        GgufMatrix swapped = new GgufMatrix("layer", tensor, new RowOrder(2));
        assertThat(firstCodes(swapped, 0)).isEqualTo(firstCodes(inFile, 0));
        // Heads of four: the file's rows 0 1 2 3 are the model's 0 2 1 3.
        RowOrder four = new RowOrder(4);
        int[] order = new int[8];
        Arrays.setAll(order, four::inFile);
        assertThat(order).containsExactly(0, 2, 1, 3, 4, 6, 5, 7);
        RowOrder six = new RowOrder(6);
        int[] wide = new int[6];
        Arrays.setAll(wide, six::inFile);
        assertThat(wide).containsExactly(0, 2, 4, 1, 3, 5);
    }

    private static byte[] firstCodes(GgufMatrix matrix, int row) {
        byte[] codes = new byte[matrix.numCols()];
        matrix.rows(row, 1).codes(0, codes, 0);
        return codes;
    }

    @Test
    void everyBlockTypeIsInTheFixture() {
        Set<GgufType> types = EnumSet.noneOf(GgufType.class);
        for (GgufTensor tensor : blocks().tensors().values()) {
            types.add(tensor.type());
        }
        types.add(GgufType.F16);
        types.add(GgufType.BF16);
        assertThat(types).containsExactlyInAnyOrder(GgufType.values());
        assertThat(GgufType.Q6_K.codes()).isEqualTo(Codes.INT6);
    }
}
