package dev.quire.weights.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.tokenizer.HuggingFaceTokenizer;
import dev.quire.weights.CheckpointException;
import dev.quire.weights.ModelFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The tokenizer inside a GGUF file against what the reference library says about the model's own tokenizer.json. */
class GgufTokenizerTest {
    private static final Path SHARED = Path.of("../shared/data");

    static HuggingFaceTokenizer tokenizer(Path file) throws IOException {
        ModelFiles directory = ModelFiles.ofDirectory(file.getParent());
        String name = file.getFileName().toString();
        GgufFile gguf = GgufFile.read(file.toString(), directory.bytes(name));
        return HuggingFaceTokenizer.of(name, GgufTokenizer.json(gguf.metadata()));
    }

    /** Real vocabularies: byte-level, and two of SentencePiece. */
    @ParameterizedTest
    @CsvSource({
        "tokenizers/gpt2/ggml-vocab-gpt-2.gguf",
        "tokenizers/llama-2/ggml-vocab-llama-spm.gguf",
        "models/stories260K/stories260K-f16.gguf"
    })
    void encodesAndDecodesAsTheModelsOwn(String name) throws IOException {
        Path file = SHARED.resolve(name);
        assumeTrue(Files.exists(file), file + " is absent");
        try (HuggingFaceTokenizer tokenizer = tokenizer(file)) {
            JsonNode vectors = new ObjectMapper()
                    .readTree(file.resolveSibling("vectors.json").toFile())
                    .path("vectors");
            assertThat(vectors).hasSizeGreaterThan(40);
            for (JsonNode vector : vectors) {
                String text = vector.path("text").asText();
                assertThat(tokenizer.encode(text, true)).as(text).isEqualTo(ints(vector.path("ids")));
                int[] plain = ints(vector.path("ids_no_special"));
                assertThat(tokenizer.encode(text, false)).as(text).isEqualTo(plain);
                assertThat(tokenizer.decode(plain, false))
                        .isEqualTo(vector.path("decoded").asText());
                assertThat(tokenizer.decode(plain, true))
                        .isEqualTo(vector.path("decoded_skip_special").asText());
            }
        }
    }

    /** Tokenizers of published models put into a file as llama.cpp's converter does, under the name it has for their cuts. */
    @ParameterizedTest
    @CsvSource({
        "../shared/data/tokenizers/llama-3.1, llama-bpe, true",
        "../shared/data/tokenizers/qwen2.5, qwen2, false",
        "../shared/data/tokenizers/gpt-oss, gpt-4o, false",
        "../shared/data/tokenizers/gpt2, gpt-2, false",
        "src/test/resources/tokenizers/byte-level, gpt-2, false",
        "src/test/resources/tokenizers/byte-fallback, , true"
    })
    void namesOfCutsMeanThoseOfTheModels(Path directory, String pre, boolean addsBos) throws IOException {
        assumeTrue(Files.exists(directory.resolve("tokenizer.json")), directory + " is absent");
        ObjectMapper mapper = new ObjectMapper();
        JsonNode own = mapper.readTree(directory.resolve("tokenizer.json").toFile());
        GgufBuilder builder = GgufBuilder.of("llama");
        GgufBuilder file = pre == null ? builder.sentencePiece(own) : builder.byteLevel(own, pre);
        int bos = own.path("post_processor").findPath("ids").path(0).asInt(0);
        file.uint32("tokenizer.ggml.bos_token_id", bos).uint32("tokenizer.ggml.unknown_token_id", 0);
        if (!addsBos) {
            file.bool("tokenizer.ggml.add_bos_token", false);
        }
        JsonNode vectors =
                mapper.readTree(directory.resolve("vectors.json").toFile()).path("vectors");
        int numCompared = 0;
        try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.of(
                "tokenizer", GgufTokenizer.json(file.read().metadata()))) {
            for (JsonNode vector : vectors) {
                String text = vector.path("text").asText();
                // The small byte-level one composes characters, which a vocabulary of this name does not.
                if (pre == null || !pre.equals("gpt-2") || Normalizer.isNormalized(text, Normalizer.Form.NFC)) {
                    assertThat(tokenizer.encode(text, true)).as(text).isEqualTo(ints(vector.path("ids")));
                    int[] plain = ints(vector.path("ids_no_special"));
                    assertThat(tokenizer.decode(plain, true))
                            .as(text)
                            .isEqualTo(vector.path("decoded_skip_special").asText());
                    numCompared++;
                }
            }
        }
        assertThat(numCompared).isGreaterThan(40);
    }

    /** Gemma's vocabulary has merges by its order, spaces as marks, and no space before a text. */
    @Test
    void gemmasPiecesMergeInTheirOrder() throws IOException {
        List<String> tokens = List.of(
                "<pad>", "<eos>", "<bos>", "<unk>", "  ", "▁", "a", "b", "c", "ab", "bc", "▁a", "<turn>", "<0x21>");
        GgufBuilder file = GgufBuilder.of("gemma2")
                .string("tokenizer.ggml.model", "llama")
                .strings("tokenizer.ggml.tokens", tokens)
                .int32s("tokenizer.ggml.token_type", 3, 3, 3, 2, 4, 1, 1, 1, 1, 1, 1, 1, 4, 6)
                // Scores that would prefer bc to ab.
                .float32s("tokenizer.ggml.scores", 0, 0, 0, 0, 0, 0, 0, 0, 0, -5, -4, -3, 0, 0)
                .uint32("tokenizer.ggml.bos_token_id", 2)
                .uint32("tokenizer.ggml.eos_token_id", 1)
                .uint32("tokenizer.ggml.unknown_token_id", 3)
                .bool("tokenizer.ggml.add_space_prefix", false);
        try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.of(
                "tokenizer", GgufTokenizer.json(file.read().metadata()))) {
            assertThat(tokenizer.encode("abc", true)).containsExactly(2, 9, 8);
            assertThat(tokenizer.encode("a  b", false)).containsExactly(6, 4, 7);
            assertThat(tokenizer.encode("<turn> a!", false)).containsExactly(12, 11, 13);
            assertThat(tokenizer.decode(new int[] {6, 4, 7, 11}, false)).isEqualTo("a  b a");
            assertThat(tokenizer.isSpecial(12)).isFalse();
            assertThat(tokenizer.isSpecial(1)).isTrue();
        }
    }

    @Test
    void whatIsNotKnownIsRefusedByName() {
        GgufBuilder file = GgufBuilder.of("llama").strings("tokenizer.ggml.tokens", List.of("a"));
        assertThatThrownBy(() -> GgufTokenizer.json(file.read().metadata()))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("'tokenizer.ggml.model' is missing");
        file.string("tokenizer.ggml.model", "gpt2");
        assertThatThrownBy(() -> GgufTokenizer.json(file.read().metadata()))
                .hasMessageContaining("'tokenizer.ggml.pre' is missing")
                .hasMessageContaining("--tokenizer DIR");
        file.string("tokenizer.ggml.pre", "klingon");
        assertThatThrownBy(() -> GgufTokenizer.json(file.read().metadata()))
                .hasMessageContaining("\"klingon\" is not supported")
                .hasMessageContaining("qwen2");
        GgufBuilder other = GgufBuilder.of("llama")
                .strings("tokenizer.ggml.tokens", List.of("a", "b", "a"))
                .string("tokenizer.ggml.model", "t5");
        assertThatThrownBy(() -> GgufTokenizer.json(other.read().metadata()))
                .hasMessageContaining("has 'a' as 0 and as 2");
    }

    static int[] ints(JsonNode array) {
        int[] ints = new int[array.size()];
        for (int i = 0; i < ints.length; i++) {
            ints[i] = array.get(i).asInt();
        }
        return ints;
    }
}
