package dev.quire.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerConfigTest {

    @Test
    void readsStringsAndObjects() throws IOException {
        TokenizerConfig config = TokenizerConfig.load(TokenizerSamples.BYTE_LEVEL);
        assertThat(config.tokenizerClass()).isEqualTo("PreTrainedTokenizerFast");
        assertThat(config.bosToken()).isNull();
        assertThat(config.eosToken()).isEqualTo("<|im_end|>");
        assertThat(config.padToken()).isEqualTo("<|endoftext|>");
        assertThat(config.modelMaxLength()).isEqualTo(Long.MAX_VALUE);
        assertThat(config.addBosToken()).isNull();
        assertThat(config.chatTemplate()).startsWith("{% for m in messages %}");

        TokenizerConfig other = TokenizerConfig.load(TokenizerSamples.BYTE_FALLBACK);
        assertThat(other.bosToken()).isEqualTo("<s>");
        assertThat(other.unkToken()).isEqualTo("<unk>");
        assertThat(other.addBosToken()).isTrue();
        assertThat(other.addEosToken()).isFalse();
        assertThat(other.modelMaxLength()).isEqualTo(2048);
        assertThat(other.chatTemplates()).isEmpty();
        assertThat(other.chatTemplate()).isNull();
    }

    @Test
    void namedTemplatesKeepTheirNames() throws IOException {
        TokenizerConfig config = of("""
                {"chat_template": [{"name": "tool_use", "template": "T", "x": [1, {"y": 2}]},
                                   {"name": "default", "template": "D"}],
                 "added_tokens_decoder": {"0": {"content": "<s>", "special": true}},
                 "clean_up_tokenization_spaces": true, "model_max_length": 1e30, "pad_token": 3}
                """);
        assertThat(config.chatTemplates()).containsExactly(Map.entry("tool_use", "T"), Map.entry("default", "D"));
        assertThat(config.chatTemplate()).isEqualTo("D");
        assertThat(config.cleanUpTokenizationSpaces()).isTrue();
        assertThat(config.modelMaxLength()).isEqualTo(Long.MAX_VALUE);
        assertThat(config.bosToken()).isNull();
    }

    private static TokenizerConfig of(String json) throws IOException {
        return TokenizerConfig.of("memory", json.getBytes(StandardCharsets.UTF_8), Map.of());
    }

    @Test
    void templateFilesWin(@TempDir Path directory) throws IOException {
        Files.writeString(directory.resolve("tokenizer_config.json"), "{\"chat_template\": \"old\"}");
        assertThat(TokenizerConfig.load(directory).chatTemplate()).isEqualTo("old");
        Files.writeString(directory.resolve("chat_template.jinja"), "new");
        Files.createDirectory(directory.resolve("additional_chat_templates"));
        Files.writeString(directory.resolve("additional_chat_templates/rag.jinja"), "rag");
        assertThat(TokenizerConfig.load(directory).chatTemplates())
                .containsOnly(Map.entry("default", "new"), Map.entry("rag", "rag"));
    }

    @Test
    void specialTokensMapFillsGaps(@TempDir Path directory) throws IOException {
        assertThat(TokenizerConfig.load(directory).eosToken()).isNull();
        Files.writeString(
                directory.resolve("special_tokens_map.json"),
                "{\"eos_token\": {\"content\": \"<e>\"}, \"bos_token\": \"<b>\"}");
        Files.writeString(
                directory.resolve("tokenizer_config.json"), "{\"eos_token\": \"<end>\", \"pad_token\": null}");
        TokenizerConfig config = TokenizerConfig.load(directory);
        assertThat(config.eosToken()).isEqualTo("<end>");
        assertThat(config.bosToken()).isEqualTo("<b>");
        assertThat(config.padToken()).isNull();
    }

    @Test
    void aBrokenFileIsNamed(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("tokenizer_config.json");
        Files.writeString(file, "{\"eos_token\": ");
        assertThatThrownBy(() -> TokenizerConfig.load(directory))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(file + ": not valid JSON at line 1")
                .message()
                .hasLineCount(1);
        Files.writeString(file, "[]");
        assertThatThrownBy(() -> TokenizerConfig.load(directory)).hasMessage(file + ": not a JSON object");
        Files.writeString(file, "{}");
        Path template = directory.resolve("chat_template.jinja");
        Files.write(template, new byte[] {(byte) 0xFF, (byte) 0xFE});
        assertThatThrownBy(() -> TokenizerConfig.load(directory)).hasMessage(template + ": not valid UTF-8");
    }
}
