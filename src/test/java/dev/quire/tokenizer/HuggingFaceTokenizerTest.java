package dev.quire.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HuggingFaceTokenizerTest {

    @Test
    void tokenBytesOfAByteLevelTextAreItsUtf8() throws IOException {
        try (HuggingFaceTokenizer tokenizer = TokenizerSamples.load(TokenizerSamples.BYTE_LEVEL)) {
            String text = "naïve 本は机🙂 x <|im_end|> <tool>";
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            for (int id : tokenizer.encode(text, false)) {
                bytes.writeBytes(tokenizer.tokenBytes(id));
            }
            assertThat(bytes.toString(StandardCharsets.UTF_8)).isEqualTo(text);
        }
    }

    @Test
    void byteTokensAreOneByte() throws IOException {
        try (HuggingFaceTokenizer tokenizer = TokenizerSamples.load(TokenizerSamples.BYTE_FALLBACK)) {
            assertThat(tokenizer.tokenBytes(tokenizer.tokenToId("<0xE5>"))).containsExactly(0xE5);
            assertThat(tokenizer.tokenBytes(tokenizer.tokenToId("▁the"))).isEqualTo(new byte[] {' ', 't', 'h', 'e'});
            assertThat(tokenizer.tokenBytes(1_000_000)).isEmpty();
            assertThat(tokenizer.tokenBytes(-1)).isEmpty();
        }
    }

    @Test
    void knowsSpecialTokensFromAddedOnes() throws IOException {
        try (HuggingFaceTokenizer tokenizer = TokenizerSamples.load(TokenizerSamples.BYTE_LEVEL)) {
            int end = tokenizer.tokenToId("<|im_end|>");
            int tool = tokenizer.tokenToId("<tool>");
            assertThat(tokenizer.isSpecial(end)).isTrue();
            assertThat(tokenizer.isSpecial(tool)).isFalse();
            assertThat(tokenizer.isSpecial(-1)).isFalse();
            assertThat(tokenizer.isSpecial(1_000_000)).isFalse();
            assertThat(tool).isEqualTo(600);
            assertThat(tokenizer.vocabSize()).isEqualTo(602);
            assertThat(tokenizer.encode("<|im_end|>", false)).containsExactly(end);
            assertThat(tokenizer.decode(new int[] {tool, end, 1_000_000, -1}, true))
                    .isEqualTo("<tool>");
        }
    }

    @Test
    void decodesARange() throws IOException {
        try (HuggingFaceTokenizer tokenizer = TokenizerSamples.load(TokenizerSamples.BYTE_LEVEL)) {
            int[] ids = tokenizer.encode("is the capital", false);
            assertThat(tokenizer.decode(ids, 1, 2, false)).isEqualTo(" the");
            assertThat(tokenizer.decode(ids, 2, 2, false)).isEmpty();
            assertThatThrownBy(() -> tokenizer.decode(ids, 2, ids.length + 1, false))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void aLoneSurrogateSpoilsNothingElse() throws IOException {
        try (HuggingFaceTokenizer tokenizer = TokenizerSamples.load(TokenizerSamples.BYTE_LEVEL)) {
            int[] ids = tokenizer.encode("🙂 a\uD83D b\uDE42", false);
            assertThat(tokenizer.decode(ids, false)).isEqualTo("🙂 a\uFFFD b\uFFFD");
        }
    }

    @Test
    void neitherTruncatesNorPads() throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode file = (ObjectNode) mapper.readTree(
                TokenizerSamples.BYTE_LEVEL.resolve("tokenizer.json").toFile());
        file.putObject("truncation")
                .put("direction", "Right")
                .put("max_length", 4)
                .put("strategy", "LongestFirst")
                .put("stride", 0);
        file.putObject("padding")
                .put("direction", "Right")
                .putNull("pad_to_multiple_of")
                .put("pad_id", 0)
                .put("pad_type_id", 0)
                .put("pad_token", "<|endoftext|>")
                .putObject("strategy")
                .put("Fixed", 64);
        try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.of("memory", mapper.writeValueAsBytes(file));
                HuggingFaceTokenizer plain = TokenizerSamples.load(TokenizerSamples.BYTE_LEVEL)) {
            String text = "What is the capital of France? ".repeat(200);
            assertThat(tokenizer.encode(text, true))
                    .isEqualTo(plain.encode(text, true))
                    .hasSizeGreaterThan(1000);
            assertThat(tokenizer.encode("a", true)).hasSize(1);
        }
    }

    @Test
    void manyThreadsEncodeAndDecodeAtOnce() throws Exception {
        List<TokenizerSamples.Vector> vectors = TokenizerSamples.vectors(TokenizerSamples.BYTE_LEVEL);
        ExecutorService pool = Executors.newFixedThreadPool(8);
        try (HuggingFaceTokenizer tokenizer = TokenizerSamples.load(TokenizerSamples.BYTE_LEVEL)) {
            List<Future<Integer>> results = new ArrayList<>();
            for (int thread = 0; thread < 8; thread++) {
                int shift = thread;
                results.add(pool.submit(() -> {
                    int numRight = 0;
                    for (int i = 0; i < 40 * vectors.size(); i++) {
                        TokenizerSamples.Vector vector = vectors.get((i * (shift + 1)) % vectors.size());
                        int[] ids = tokenizer.encode(vector.text(), true);
                        boolean right = Arrays.equals(ids, vector.ids())
                                && tokenizer.decode(ids, true).equals(vector.decodedSkipSpecial());
                        numRight += right ? 1 : 0;
                    }
                    return numRight;
                }));
            }
            for (Future<Integer> result : results) {
                assertThat(result.get()).isEqualTo(40 * vectors.size());
            }
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void closingWaitsForCallsAndEndsThem() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(4);
        HuggingFaceTokenizer tokenizer = TokenizerSamples.load(TokenizerSamples.BYTE_LEVEL);
        try {
            List<Future<Integer>> ends = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                ends.add(pool.submit(() -> {
                    int numEncoded = 0;
                    while (true) {
                        try {
                            numEncoded += tokenizer.encode("What is the capital of France?", true).length / 8;
                        } catch (IllegalStateException closed) {
                            return numEncoded;
                        }
                    }
                }));
            }
            Thread.sleep(50);
            tokenizer.close();
            for (Future<Integer> end : ends) {
                assertThat(end.get()).isNotNegative();
            }
        } finally {
            pool.shutdownNow();
        }
        tokenizer.close();
        assertThatThrownBy(() -> tokenizer.decode(new int[] {1}, false))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }

    @Test
    void aMissingFileIsNamed(@TempDir Path directory) throws IOException {
        assertThatThrownBy(() -> HuggingFaceTokenizer.load(directory))
                .isInstanceOf(IOException.class)
                .hasMessage(directory.resolve("tokenizer.json") + ": no such file");
        Files.writeString(directory.resolve("tokenizer.model"), "x");
        assertThatThrownBy(() -> HuggingFaceTokenizer.load(directory)).hasMessageContaining("tokenizer.model alone");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": -4}, \"merges\": []}}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 99999999999}, \"merges\": []}}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": \"b\"}, \"merges\": []}}",
                "{\"added_tokens\": [{\"id\": 3}], \"model\": {\"vocab\": {}}}",
                "{\"version\": \"1.0\"}",
                "{\"model\": {\"type\": \"NoSuchModel\", \"vocab\": {\"a\": 0}}}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"x y\"]}}",
            })
    void aBrokenFileIsNamedInOneLine(String contents, @TempDir Path directory) throws IOException {
        Path file = directory.resolve("tokenizer.json");
        Files.writeString(file, contents);
        assertThatThrownBy(() -> HuggingFaceTokenizer.load(directory))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(file + ": ")
                .message()
                .hasLineCount(1)
                .hasSizeGreaterThan(file.toString().length() + 15);
    }
}
