package dev.quire.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.kernel.KvScales;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.CheckpointException;
import dev.quire.weights.ModelFiles;
import dev.quire.weights.SafetensorsBuilder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KvScaleTensorsTest {
    private static final String LAYER = "language_model.model.layers.1.self_attn.";
    private static final List<WeightNames.Root> ROOTS = WeightNames.MULTIMODAL;
    private static final long[] SCALAR = {};
    private static final long[] ONE = {1};

    @TempDir
    Path dir;

    private KvScales find(SafetensorsBuilder tensors) {
        tensors.writeTo(dir.resolve("model.safetensors"));
        try (Checkpoint checkpoint = Checkpoint.open(ModelFiles.ofDirectory(dir))) {
            return KvScaleTensors.find(checkpoint, ROOTS, 3);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "k_scale,v_scale",
        "attn.k_scale,attn.v_scale",
        "k_proj.k_scale,v_proj.v_scale",
        "k_proj.output_scale,v_proj.output_scale",
    })
    void readsTheNamesInUse(String key, String value) {
        KvScales scales =
                find(new SafetensorsBuilder().floats(LAYER + key, SCALAR, 0.25f).bf16(LAYER + value, ONE, 0.5f));
        assertThat(scales.keys()).containsExactly(1f, 0.25f, 1f);
        assertThat(scales.values()).containsExactly(1f, 0.5f, 1f);
    }

    @Test
    void theFirstPrefixThatHasOneCounts() {
        KvScales scales = find(new SafetensorsBuilder()
                .floats("model.language_model.layers.1.self_attn.k_scale", SCALAR, 0.75f)
                .floats(LAYER + "v_scale", SCALAR, 0.5f)
                .floats("model.layers.1.self_attn.k_scale", SCALAR, 8f));
        assertThat(scales.key(1)).isEqualTo(0.75f);
        assertThat(scales.value(1)).isEqualTo(0.5f);
    }

    @Test
    void oneScaleForBothIsTheOldForm() {
        KvScales scales = find(new SafetensorsBuilder().floats(LAYER + "kv_scale", ONE, 0.125f));
        assertThat(scales.key(1)).isEqualTo(0.125f);
        assertThat(scales.value(1)).isEqualTo(0.125f);
    }

    @Test
    void withoutScalesAllAreOne() {
        KvScales scales = find(new SafetensorsBuilder().floats("model.norm.weight", ONE, 3f));
        assertThat(scales.keys()).containsExactly(1f, 1f, 1f);
        assertThat(scales.values()).containsExactly(1f, 1f, 1f);
    }

    @ParameterizedTest
    @ValueSource(floats = {0, -1, Float.NaN, Float.POSITIVE_INFINITY})
    void refusesWhatIsNoScale(float scale) {
        assertThatThrownBy(() -> find(new SafetensorsBuilder().floats(LAYER + "v_scale", ONE, scale)))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(LAYER + "v_scale")
                .hasMessageContaining("above 0");
    }

    @Test
    void refusesAScaleOfEachHead() {
        SafetensorsBuilder tensors = new SafetensorsBuilder().floats(LAYER + "k_scale", new long[] {2}, 1, 2);
        assertThatThrownBy(() -> find(tensors))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(LAYER + "k_scale")
                .hasMessageContaining("one scale a layer");
    }
}
