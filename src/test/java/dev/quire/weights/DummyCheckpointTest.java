package dev.quire.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Shape;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DummyCheckpointTest {
    private static final Shape SHAPE = Shape.of(101, 333);

    private static Checkpoint dummy(long seed) {
        return Checkpoint.dummy(ModelFiles.ofDirectory(Path.of("none")), seed);
    }

    @Test
    void weightsAreSmallAndNormal() {
        for (DType type : new DType[] {DType.F32, DType.F16, DType.BF16}) {
            float[] values = dummy(1).tensor("model.layers.0.mlp.up_proj.weight", SHAPE, type)
                    .toFloats();
            double sum = 0;
            double squares = 0;
            int beyondTwoSigma = 0;
            for (float value : values) {
                sum += value;
                squares += value * value;
                beyondTwoSigma += Math.abs(value) > 0.04 ? 1 : 0;
            }
            assertThat(sum / values.length).isBetween(-0.0005, 0.0005);
            assertThat(Math.sqrt(squares / values.length)).isBetween(0.0195, 0.0205);
            assertThat((double) beyondTwoSigma / values.length).isBetween(0.04, 0.05);
        }
    }

    @Test
    void dependOnSeedNameAndIndexOnly() {
        HostTensor tensor = dummy(1).tensor("w", SHAPE, DType.BF16);
        assertThat(dummy(1).tensor("w", SHAPE, DType.BF16).toFloats()).isEqualTo(tensor.toFloats());
        assertThat(dummy(2).tensor("w", SHAPE, DType.BF16).toFloats()).isNotEqualTo(tensor.toFloats());
        assertThat(dummy(1).tensor("v", SHAPE, DType.BF16).toFloats()).isNotEqualTo(tensor.toFloats());
        float[] all = tensor.toFloats();
        for (int start : new int[] {0, 1, 2, 3, 5, 334, 9999}) {
            float[] part = new float[17];
            tensor.copyTo(start, part, 0, 17);
            assertThat(part).isEqualTo(Arrays.copyOfRange(all, start, start + 17));
        }
        ByteBuffer odd = tensor.slice(7, 5);
        assertThat(odd.get(0)).isEqualTo(tensor.slice(0, 12).get(7));
        assertThat(tensor.rows(1, 1).toFloats()).isNotEqualTo(tensor.rows(2, 1).toFloats());
    }

    @Test
    void normsAreOne() {
        assertThat(dummy(1).tensor("model.norm.weight", Shape.of(9), DType.BF16).toFloats())
                .containsOnly(1f);
        assertThat(dummy(1).tensor("a.input_layernorm.weight", Shape.of(9), DType.F32)
                        .toFloats())
                .containsOnly(1f);
    }

    @Test
    void readersSayWhatNoiseWouldSpoil() {
        HostTensor scale = dummy(1).tensor("a.weight_scale", Shape.of(3, 5), DType.F16, i -> i / 4.0);
        assertThat(scale.rows(1, 1).toFloats()).containsExactly(1.25f, 1.5f, 1.75f, 2, 2.25f);
        HostTensor words = dummy(1).tensor("a.qzeros", Shape.of(7), DType.I32, i -> 0x8888_8880L + i);
        int[] values = new int[2];
        words.copyTo(5, values, 0, 2);
        assertThat(values).containsExactly(0x88888885, 0x88888886);
        assertThat(words.slice(6, 3).get(1)).isEqualTo((byte) 0x88);
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void makesEveryTypeFinite(DType type) {
        HostTensor tensor = dummy(1).tensor("w", SHAPE, type);
        assertThat(tensor.slice(0, (int) tensor.sizeBytes()).remaining()).isEqualTo(101 * 333 * type.sizeBytes());
        if (type.isFloat()) {
            for (float value : tensor.toFloats()) {
                assertThat(Math.abs(value)).isLessThan(0.5f);
            }
        }
    }

    @Test
    void tensorsBeyondMemoryCostNothingUntilRead() {
        Checkpoint checkpoint = dummy(1);
        HostTensor huge = checkpoint.tensor("w", Shape.of(1 << 20, 1 << 20), DType.BF16);
        assertThat(huge.sizeBytes()).isEqualTo(1L << 41);
        assertThat(huge.slice((1L << 41) - 4, 4).getInt())
                .isNotEqualTo(huge.slice((1L << 40) - 4, 4).getInt());
        assertThat(checkpoint.totalBytes()).isEqualTo(1L << 41);
    }

    @Test
    void holdsNothingByItself() {
        assertThat(dummy(1).names()).isEmpty();
        assertThat(dummy(1).has("lm_head.weight")).isFalse();
        assertThatThrownBy(() -> dummy(1).tensor("w")).hasMessageContaining("tensor 'w'");
    }
}
