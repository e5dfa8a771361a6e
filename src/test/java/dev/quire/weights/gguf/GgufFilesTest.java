package dev.quire.weights.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.tensor.DType;
import dev.quire.tensor.Shape;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.CheckpointException;
import dev.quire.weights.ConfigJson;
import dev.quire.weights.GenerationDefaults;
import dev.quire.weights.ModelFiles;
import dev.quire.weights.ModelLocation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A GGUF file as a model: found, in one part or several, and read as Hugging Face's files. */
class GgufFilesTest {
    @TempDir
    Path dir;

    private static GgufBuilder model(String architecture) {
        return withoutKvHeads(architecture).uint32(architecture + ".attention.head_count_kv", 1);
    }

    private static GgufBuilder withoutKvHeads(String architecture) {
        String prefix = architecture + ".";
        return GgufBuilder.of(architecture)
                .uint32(prefix + "block_count", 1)
                .uint32(prefix + "embedding_length", 8)
                .uint32(prefix + "feed_forward_length", 12)
                .uint32(prefix + "attention.head_count", 2)
                .uint32(prefix + "context_length", 64)
                .float32(prefix + "attention.layer_norm_rms_epsilon", 1e-5f)
                .float32(prefix + "rope.freq_base", 500000)
                .floats("token_embd.weight", new float[3 * 8], 8, 3);
    }

    private Path write(String name, GgufBuilder builder) throws IOException {
        return Files.write(dir.resolve(name), builder.bytes());
    }

    private static ConfigJson config(ModelFiles files) {
        return ConfigJson.read(files, "config.json");
    }

    @Test
    void aFileOrADirectoryWithOneIsAModel() throws IOException {
        Path file = write("tiny-Q8_0.gguf", model("llama"));
        write("mmproj-F16.gguf", model("llama"));
        for (Path named : List.of(file, dir)) {
            ModelFiles files = ModelLocation.local(named);
            assertThat(files.location()).endsWith("tiny-Q8_0.gguf");
            assertThat(files.has("tokenizer.json")).isFalse();
            ConfigJson config = config(files);
            assertThat(config.architectures()).containsExactly("LlamaForCausalLM");
            assertThat(config.integer("head_dim")).isEqualTo(4);
            assertThat(config.integer("vocab_size")).isEqualTo(3);
            assertThat(config.number("rms_norm_eps")).isEqualTo(1e-5);
            assertThat(config.bool("tie_word_embeddings")).isTrue();
            assertThat(config.ropeParameters().number("rope_theta")).isEqualTo(500000);
            assertThat(config.dtype()).contains(DType.F32);
        }
        write("tiny-Q4_0.gguf", model("llama"));
        assertThatThrownBy(() -> ModelLocation.local(dir))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("has 2 GGUF models, name one: tiny-Q4_0.gguf, tiny-Q8_0.gguf");
    }

    @Test
    void aCheckpointBesideItComesFirst() throws IOException {
        write("tiny.gguf", model("llama"));
        Files.writeString(dir.resolve("config.json"), "{}");
        assertThat(ModelLocation.local(dir)).isInstanceOf(GgufFiles.class);
        Files.writeString(dir.resolve("model.safetensors"), "");
        assertThat(ModelLocation.local(dir)).isNotInstanceOf(GgufFiles.class);
    }

    @Test
    void filesThatBelongTogetherAreOneModel() throws IOException {
        write(
                "tiny-00001-of-00002.gguf",
                model("llama").uint32("split.count", 2).uint32("split.no", 0).uint32("split.tensors.count", 2));
        Path second = write(
                "tiny-00002-of-00002.gguf",
                new GgufBuilder()
                        .uint32("split.count", 2)
                        .uint32("split.no", 1)
                        .floats("output_norm.weight", new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 8));
        try (Checkpoint checkpoint = Checkpoint.open(ModelLocation.local(dir))) {
            assertThat(checkpoint.names()).containsExactlyInAnyOrder("model.embed_tokens.weight", "model.norm.weight");
            assertThat(checkpoint
                            .tensor("model.norm.weight", Shape.of(8), DType.F32)
                            .toFloats())
                    .containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
        }
        Path first = dir.resolve("tiny-00001-of-00002.gguf");
        Files.delete(second);
        assertThatThrownBy(() -> ModelLocation.local(first))
                .hasMessageContaining("tiny-00002-of-00002.gguf")
                .hasMessageContaining("is missing");
        Files.move(first, dir.resolve("other.gguf"));
        assertThatThrownBy(() -> ModelLocation.local(dir.resolve("other.gguf")))
                .hasMessageContaining("NAME-00001-of-00002.gguf");
    }

    @Test
    void refusesWhatItCannotServe() throws IOException {
        Path bert = write("bert.gguf", model("bert"));
        assertThatThrownBy(() -> ModelLocation.local(bert))
                .hasMessageContaining(
                        "'general.architecture' \"bert\" is not supported; supported: llama, mistral3, qwen2");
        Path experts = write("moe.gguf", model("llama").uint32("llama.expert_count", 8));
        assertThatThrownBy(() -> config(ModelLocation.local(experts)))
                .hasMessageContaining("'llama.expert_count'")
                .hasMessageContaining("experts are not supported");
        Path heads = write("heads.gguf", withoutKvHeads("llama").int32s("llama.attention.head_count_kv", 1, 2));
        assertThatThrownBy(() -> config(ModelLocation.local(heads)))
                .hasMessageContaining("'llama.attention.head_count_kv' differs by layer");
        Path values = write("values.gguf", model("llama").uint32("llama.attention.value_length", 2));
        assertThatThrownBy(() -> config(ModelLocation.local(values)))
                .hasMessageContaining("'llama.attention.value_length' is 2, keys have 4");
        Path rope = write("rope.gguf", model("llama").string("llama.rope.scaling.type", "spiral"));
        assertThatThrownBy(() -> config(ModelLocation.local(rope)))
                .hasMessageContaining("\"spiral\" is not supported; supported: none, linear, yarn, longrope");
        Path text = Files.writeString(dir.resolve("notes.txt"), "x");
        assertThatThrownBy(() -> ModelLocation.local(text))
                .hasMessageContaining("expected a model directory or a .gguf");
    }

    @Test
    void tellsWhatEndsAGeneration() throws IOException {
        Path file = write(
                "chat.gguf",
                model("llama")
                        .string("tokenizer.ggml.model", "gpt2")
                        .strings(
                                "tokenizer.ggml.tokens",
                                List.of("a", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>", "<s>"))
                        .int32s("tokenizer.ggml.token_type", 1, 3, 3, 3, 3)
                        .uint32("tokenizer.ggml.eos_token_id", 2)
                        .uint32("tokenizer.ggml.bos_token_id", 4)
                        .uint32("tokenizer.ggml.padding_token_id", 99)
                        .float32("general.sampling.temp", 0.6f)
                        .uint32("general.sampling.top_k", 20));
        GenerationDefaults generation = GenerationDefaults.read(ModelLocation.local(file));
        assertThat(generation.eosTokenIds()).containsExactly(2, 1, 3);
        assertThat(generation.bosTokenId()).isEqualTo(4);
        assertThat(generation.padTokenId()).isNull();
        assertThat(generation.temperature()).isEqualTo(0.6);
        assertThat(generation.topK()).isEqualTo(20);
    }

    @Test
    void plainRowsOfQueriesAreInHuggingFacesOrder() throws IOException {
        float[] rows = new float[8 * 8];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = i / 8;
        }
        Path file = write(
                "tiny.gguf",
                model("llama")
                        .floats("blk.0.attn_q.weight", rows, 8, 8)
                        .floats("blk.0.attn_q.bias", new float[] {0, 1, 2, 3, 4, 5, 6, 7}, 8)
                        .floats("blk.0.attn_v.bias", new float[] {0, 1, 2, 3}, 4));
        try (Checkpoint checkpoint = Checkpoint.open(ModelLocation.local(file))) {
            float[] query =
                    checkpoint.tensor("model.layers.0.self_attn.q_proj.weight").toFloats();
            float[] bias =
                    checkpoint.tensor("model.layers.0.self_attn.q_proj.bias").toFloats();
            assertThat(bias).containsExactly(0, 2, 1, 3, 4, 6, 5, 7);
            for (int row = 0; row < 8; row++) {
                assertThat(query[row * 8 + 3]).isEqualTo(bias[row]);
            }
            assertThat(checkpoint.tensor("model.layers.0.self_attn.v_proj.bias").toFloats())
                    .containsExactly(0, 1, 2, 3);
            assertThat(checkpoint.quantized("model.layers.0.self_attn.q_proj", 8, 8))
                    .isEmpty();
            assertThatThrownBy(() -> checkpoint.tensor("model.embed_tokens.weight", Shape.of(4, 8), DType.F32))
                    .hasMessageContaining("'token_embd.weight' has shape [3, 8], expected [4, 8]");
        }
    }
}
