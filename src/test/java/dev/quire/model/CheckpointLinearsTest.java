package dev.quire.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.ActivationScheme.Kind;
import dev.quire.tensor.DType;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.CheckpointException;
import dev.quire.weights.ConfigJson;
import dev.quire.weights.ModelFiles;
import dev.quire.weights.SafetensorsBuilder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointLinearsTest {
    private static final String STATIC_FP8 =
            "{'quantization_config':{'quant_method':'fp8','activation_scheme':'static','ignored_layers':['a.plain']}}";

    @TempDir
    Path dir;

    private CheckpointLinears linears(String json, SafetensorsBuilder file) {
        file.writeTo(dir.resolve("model.safetensors"));
        return new CheckpointLinears(
                Checkpoint.open(ModelFiles.ofDirectory(dir)),
                ConfigJson.parse("config.json", json.replace('\'', '"').getBytes(StandardCharsets.UTF_8)),
                DType.BF16);
    }

    private static SafetensorsBuilder fp8(SafetensorsBuilder file, String name, float scale, float inputScale) {
        return file.raw(name + ".weight", DType.F8_E4M3, new long[] {1, 2}, new byte[] {0x38, 0x40})
                .floats(name + ".weight_scale", new long[] {1}, scale)
                .floats(name + ".input_scale", new long[] {1}, inputScale);
    }

    @Test
    void partsKeepTheirOwnScalesOfInputs() {
        SafetensorsBuilder file = new SafetensorsBuilder().bf16("a.k_proj.bias", new long[] {1}, 3);
        fp8(fp8(file, "a.q_proj", 1, 0.5f), "a.k_proj", 2, 0.25f);
        CheckpointLinears linears = linears(STATIC_FP8, file);
        LinearWeight.Quantized q = (LinearWeight.Quantized) linears.find("a.q_proj", 1, 2, false);
        LinearWeight.Quantized k = (LinearWeight.Quantized) linears.find("a.k_proj", 1, 2, true);
        assertThat(q.activations()).isEqualTo(ActivationScheme.fixed(Kind.E4M3, 0.5f, 0));
        assertThat(k.activations()).isEqualTo(ActivationScheme.fixed(Kind.E4M3, 0.25f, 0));
        assertThat(q.bias()).isNull();
        assertThat(k.bias().toFloats()).containsExactly(3);
        assertThat(k.outFeatures()).isEqualTo(1);
        assertThat(k.inFeatures()).isEqualTo(2);
    }

    /** Writers leave out of their lists what they never touch. */
    @Test
    void theFileDecidesWhatIsPlain() {
        CheckpointLinears linears = linears(
                STATIC_FP8,
                new SafetensorsBuilder()
                        .bf16("b.weight", new long[] {1, 2}, 5, 6)
                        .bf16("c.weight", new long[] {1, 2}, 5, 6)
                        .floats("c.weight_scale", new long[] {1}, 1)
                        .raw("a.plain.weight", DType.F8_E4M3, new long[] {1, 2}, new byte[2]));
        assertThat(((LinearWeight.Dense) linears.find("b", 1, 2, false))
                        .weight()
                        .toFloats())
                .containsExactly(5, 6);
        assertThatThrownBy(() -> linears.find("c", 1, 2, false))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("tensor 'c.weight' has type BF16, expected F8_E4M3");
        assertThatThrownBy(() -> linears.find("a.plain", 1, 2, false))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("tensor 'a.plain.weight' has type F8_E4M3, expected one of [F32, BF16, F16]");
    }

    @Test
    void embeddingsAndTheOutputMayBeQuantizedToo() {
        String json = "{'quantization_config':{'quant_method':'compressed-tensors','format':'pack-quantized',"
                + "'config_groups':{'g':{'targets':['Linear','Embedding'],"
                + "'weights':{'num_bits':8,'strategy':'channel'}}}}}";
        SafetensorsBuilder file = new SafetensorsBuilder();
        for (String name : new String[] {"embed", "lm_head"}) {
            file.ints(name + ".weight_packed", new long[] {2, 1}, 0x8181, 0x8282)
                    .bf16(name + ".weight_scale", new long[] {2, 1}, 1, 2);
        }
        CheckpointLinears linears = linears(json, file);
        assertThat(linears.has("embed")).isTrue();
        assertThat(linears.has("other")).isFalse();
        assertThat(linears.embedding("embed", 2, 2)).isInstanceOf(LinearWeight.Quantized.class);
        assertThat(linears.find("lm_head", 2, 2, false)).isInstanceOf(LinearWeight.Quantized.class);
    }
}
