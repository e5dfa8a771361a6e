package dev.quire.boot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.weights.GenerationDefaults;
import dev.quire.weights.ModelFiles;
import dev.quire.weights.ModelLocation;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Tokenizer, template and ends of a chat model, all out of one GGUF file. */
class GgufTextTest {
    private static final Path MODEL = Path.of("src/test/resources/goldens/gguf-qwen2/model.gguf");
    private static final Path OTHER = Path.of("src/test/resources/tokenizers/byte-level");

    @Test
    void theFileHasAllThatChatNeeds() {
        ModelFiles files = ModelLocation.local(MODEL);
        ModelText text = ModelText.load(EngineOptions.defaults(), files);
        int[] ids = text.tokenizer().encode("<|im_start|>hello the<|im_end|>", true);
        assertThat(ids).hasSize(4);
        assertThat(text.tokenizer().idToToken(ids[1])).isEqualTo("hello");
        assertThat(text.tokenizer().idToToken(ids[2])).isEqualTo("Ġthe");
        assertThat(text.tokenizer().decode(ids, true)).isEqualTo("hello the");
        assertThat(text.config().chatTemplate()).startsWith("{% for m in messages %}<|im_start|>");
        assertThat(text.config().eosToken()).isEqualTo("<|im_end|>");
        assertThat(text.config().addBosToken()).isFalse();
        int end = text.tokenizer().tokenToId("<|im_end|>");
        int endOfText = text.tokenizer().tokenToId("<|endoftext|>");
        assertThat(GenerationDefaults.read(files).eosTokenIds()).containsExactly(end, endOfText);
        text.tokenizer().close();
    }

    @Test
    void anotherTokenizerMayBeNamed() {
        EngineOptions options =
                EngineOptions.builder().tokenizer(OTHER.toString()).build();
        ModelText text = ModelText.load(options, ModelLocation.local(MODEL));
        assertThat(text.tokenizer().vocabSize()).isEqualTo(602);
        text.tokenizer().close();
    }
}
