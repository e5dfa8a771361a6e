package dev.quire.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class WindowDetokenizerTest {

    /** The window path gives what the families' own paths give. */
    @ParameterizedTest
    @MethodSource("dev.quire.tokenizer.TokenizerSamples#small")
    void agreesWithTheFullDecode(Path directory) throws IOException {
        try (HuggingFaceTokenizer tokenizer = TokenizerSamples.load(directory)) {
            for (TokenizerSamples.Vector vector : TokenizerSamples.vectors(directory)) {
                int[] ids = vector.ids();
                for (int split = 0; split <= ids.length; split++) {
                    int[] prompt = Arrays.copyOf(ids, split);
                    boolean open = tokenizer.decode(prompt, false).endsWith("\uFFFD");
                    if (open && directory.equals(TokenizerSamples.BYTE_FALLBACK)) {
                        continue; // decoding an open run of byte tokens says nothing about its first characters
                    }
                    for (boolean skip : new boolean[] {true, false}) {
                        String expected = generate(tokenizer.detokenizer(prompt, skip, true), ids, split);
                        assertThat(generate(new WindowDetokenizer(tokenizer, prompt, skip, true), ids, split))
                                .as("%s at %d", vector, split)
                                .isEqualTo(expected);
                    }
                }
            }
        }
    }

    private static String generate(IncrementalDetokenizer detokenizer, int[] ids, int from) {
        StringBuilder text = new StringBuilder();
        for (int i = from; i < ids.length; i++) {
            detokenizer.append(ids[i]);
            String piece = detokenizer.takeText();
            assertThat(piece).doesNotEndWith("\uFFFD");
            text.append(piece);
        }
        detokenizer.finish();
        return text.append(detokenizer.takeText()).toString();
    }

    private static HuggingFaceTokenizer words(String decoder) throws IOException {
        String json = """
                {"version": "1.0", "truncation": null, "padding": null, "normalizer": null, "post_processor": null,
                 "added_tokens": [
                  {"id": 0, "content": "[A]", "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": true},
                  {"id": 1, "content": "[B]", "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": true}],
                 "pre_tokenizer": {"type": "Whitespace"},
                 "decoder": %s,
                 "model": {"type": "WordPiece", "unk_token": "[A]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100,
                  "vocab": {"[A]": 0, "[B]": 1, "print": 2, "##er": 3, "the": 4, "▁the": 5, "▁": 6, "x▁y": 7}}}
                """.formatted(decoder);
        return HuggingFaceTokenizer.of("words", json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void joinsWordPieces() throws IOException {
        String decoder = "{\"type\": \"WordPiece\", \"prefix\": \"##\", \"cleanup\": false}";
        try (HuggingFaceTokenizer tokenizer = words(decoder)) {
            int[] ids = {4, 2, 3, 0, 4, 2, 3, 3};
            assertThat(generate(tokenizer.detokenizer(new int[0], true, true), ids, 0))
                    .isEqualTo("the printer the printerer")
                    .isEqualTo(tokenizer.decode(ids, true));
            assertThat(generate(tokenizer.detokenizer(new int[] {4}, true, true), new int[] {2, 3}, 0))
                    .isEqualTo(" printer");
        }
    }

    @Test
    void spacesBetweenSpecialTokensCanBeSuppressed() throws IOException {
        try (HuggingFaceTokenizer tokenizer = words("null")) {
            int[] ids = {4, 0, 1, 1, 4, 0};
            assertThat(tokenizer.decode(ids, false)).isEqualTo("the [A] [B] [B] the [A]");
            assertThat(generate(tokenizer.detokenizer(new int[0], false, true), ids, 0))
                    .isEqualTo("the [A] [B] [B] the [A]");
            assertThat(generate(tokenizer.detokenizer(new int[0], false, false), ids, 0))
                    .isEqualTo("the [A][B][B] the [A]");
            assertThat(generate(tokenizer.detokenizer(new int[0], true, false), ids, 0))
                    .isEqualTo("the the");
        }
    }

    /** Not this path, but the one decoder that the samples lack: the first token loses all its markers. */
    @Test
    void metaspaceDropsMarkersOfTheFirstTokenOnly() throws IOException {
        String decoder =
                "{\"type\": \"Metaspace\", \"replacement\": \"▁\", \"prepend_scheme\": \"%s\", \"split\": true}";
        int[][] samples = {{5, 5}, {6, 5, 6}, {7, 7}, {0, 5, 5}, {4, 6, 6, 5}};
        for (String scheme : new String[] {"always", "never", "first"}) {
            try (HuggingFaceTokenizer tokenizer = words(decoder.formatted(scheme))) {
                assertThat(tokenizer.tokenBytes(5)).isEqualTo(" the".getBytes(StandardCharsets.UTF_8));
                for (int[] ids : samples) {
                    for (boolean skip : new boolean[] {true, false}) {
                        IncrementalDetokenizer detokenizer = tokenizer.detokenizer(new int[0], skip, true);
                        assertThat(detokenizer).isInstanceOf(SentencePieceDetokenizer.class);
                        assertThat(generate(detokenizer, ids, 0)).isEqualTo(tokenizer.decode(ids, skip));
                    }
                }
            }
        }
    }

    /** Garbage that never completes a character neither grows the window nor is held for ever. */
    @Test
    void garbageIsHandedOut() throws IOException {
        try (HuggingFaceTokenizer tokenizer = TokenizerSamples.load(TokenizerSamples.BYTE_LEVEL)) {
            int lead = -1;
            for (int id = 0; id < tokenizer.vocabSize(); id++) {
                lead = Arrays.equals(tokenizer.tokenBytes(id), new byte[] {(byte) 0xF0}) ? id : lead;
            }
            WindowDetokenizer detokenizer = new WindowDetokenizer(tokenizer, new int[0], true, true);
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < 1000; i++) {
                detokenizer.append(lead);
                text.append(detokenizer.takeText());
                detokenizer.append(1_000_000);
            }
            assertThat(text).hasSizeGreaterThan(900).matches("\uFFFD+");
        }
    }
}
