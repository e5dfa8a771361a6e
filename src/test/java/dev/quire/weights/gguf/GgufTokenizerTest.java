package dev.quire.weights.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.tokenizer.HuggingFaceTokenizer;
import dev.quire.weights.ModelFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

    static int[] ints(JsonNode array) {
        int[] ints = new int[array.size()];
        for (int i = 0; i < ints.length; i++) {
            ints[i] = array.get(i).asInt();
        }
        return ints;
    }
}
