package dev.quire.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class IncrementalDetokenizerTest {
    private static final int[] NO_PROMPT = {};

    /**
     * What the prompt gives by itself (by the same detokenizer, which at split 0 is checked against the full decode) and
     * the generated text make the full decode; no piece has half a character.
     */
    static void checkSplit(Tokenizer tokenizer, int[] ids, int split, boolean skipSpecialTokens) {
        int[] prompt = Arrays.copyOf(ids, split);
        IncrementalDetokenizer promptAlone = tokenizer.detokenizer(NO_PROMPT, skipSpecialTokens, true);
        for (int id : prompt) {
            promptAlone.append(id);
        }
        String all = tokenizer.decode(ids, skipSpecialTokens);
        IncrementalDetokenizer detokenizer = tokenizer.detokenizer(prompt, skipSpecialTokens, true);
        String text = promptAlone.takeText() + generate(detokenizer, ids, split, all.indexOf('\uFFFD') < 0);
        if (!text.equals(all)) {
            assertThat(text)
                    .as("split at %d, special tokens %s", split, skipSpecialTokens ? "skipped" : "kept")
                    .isEqualTo(all);
        }
    }

    private static String generate(IncrementalDetokenizer detokenizer, int[] ids, int from, boolean valid) {
        StringBuilder text = new StringBuilder();
        for (int i = from; i < ids.length; i++) {
            detokenizer.append(ids[i]);
            String piece = detokenizer.takeText();
            boolean half = !piece.isEmpty()
                    && (Character.isLowSurrogate(piece.charAt(0))
                            || Character.isHighSurrogate(piece.charAt(piece.length() - 1))
                            || valid && piece.indexOf('\uFFFD') >= 0);
            if (half || detokenizer.hasText()) {
                throw new AssertionError("half a character, or text left: " + piece);
            }
            text.append(piece);
        }
        detokenizer.finish();
        return text.append(detokenizer.takeText()).toString();
    }

    static String generate(Tokenizer tokenizer, boolean skipSpecialTokens, int... ids) {
        return generate(tokenizer.detokenizer(NO_PROMPT, skipSpecialTokens, true), ids, 0, false);
    }

    /** Any ids at all, so bytes in every invalid order: byte-level text is decoded as a whole. */
    @ParameterizedTest
    @MethodSource("dev.quire.tokenizer.TokenizerSamples#small")
    void randomIdsAreAsDecoded(Path directory) throws IOException {
        Random random = new Random(7);
        boolean byteLevel = directory.equals(TokenizerSamples.BYTE_LEVEL);
        try (HuggingFaceTokenizer tokenizer = TokenizerSamples.load(directory)) {
            for (int round = 0; round < 4000; round++) {
                int[] ids = byteLevel
                        ? random.ints(random.nextInt(30), 0, 270).toArray()
                        : random.ints(random.nextInt(30), 250, 600).toArray();
                boolean skip = random.nextBoolean();
                assertThat(generate(tokenizer, skip, ids)).isEqualTo(tokenizer.decode(ids, skip));
                if (byteLevel) {
                    checkSplit(tokenizer, ids, random.nextInt(ids.length + 1), skip);
                }
            }
        }
    }

    @Test
    void byteTokensOfWholeCharactersAreAsDecoded() throws IOException {
        Random random = new Random(3);
        try (HuggingFaceTokenizer tokenizer = TokenizerSamples.load(TokenizerSamples.BYTE_FALLBACK)) {
            for (int round = 0; round < 2000; round++) {
                StringBuilder text = new StringBuilder();
                for (int i = 0; i < 6; i++) {
                    text.appendCodePoint("a 本🙂é\n\u0000한\uDBFF\uDFFF"
                            .codePoints()
                            .skip(random.nextInt(9))
                            .findFirst()
                            .orElseThrow());
                }
                int[] ids = byteTokens(tokenizer, text.toString());
                int split = random.nextInt(ids.length + 1);
                checkSplit(tokenizer, ids, split, random.nextBoolean());
            }
        }
    }

    private static int[] byteTokens(Tokenizer tokenizer, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int[] ids = new int[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            ids[i] = tokenizer.tokenToId(String.format("<0x%02X>", bytes[i]));
        }
        return ids;
    }

    @Test
    void aCharacterComesOutWithItsLastByte() throws IOException {
        for (Path directory : TokenizerSamples.small().toList()) {
            try (HuggingFaceTokenizer tokenizer = TokenizerSamples.load(directory)) {
                int[] ids = tokenizer.encode("🙂", false);
                IncrementalDetokenizer detokenizer = tokenizer.detokenizer(NO_PROMPT, true, true);
                for (int i = 0; i < ids.length - 1; i++) {
                    detokenizer.append(ids[i]);
                    assertThat(detokenizer.hasText()).isFalse();
                    assertThat(detokenizer.takeText()).isEmpty();
                }
                detokenizer.append(ids[ids.length - 1]);
                assertThat(detokenizer.hasText()).isTrue();
                assertThat(detokenizer.takeText()).isEqualTo("🙂");
            }
        }
    }

    @Test
    void aDanglingCharacterIsReplacedAsTheFullDecodeDoes() throws IOException {
        for (Path directory : TokenizerSamples.small().toList()) {
            try (HuggingFaceTokenizer tokenizer = TokenizerSamples.load(directory)) {
                int[] whole = tokenizer.encode("a🙂", false);
                int[] cut = Arrays.copyOf(whole, whole.length - 1);
                assertThat(tokenizer.decode(cut, true)).endsWith("\uFFFD");
                assertThat(generate(tokenizer, true, cut)).isEqualTo(tokenizer.decode(cut, true));
            }
        }
    }

    /** The documented exception: a newline that is out does not turn into U+FFFD when a later byte is cut off. */
    @Test
    void charactersOfAByteRunThatAreOutStay() throws IOException {
        try (HuggingFaceTokenizer tokenizer = TokenizerSamples.load(TokenizerSamples.BYTE_FALLBACK)) {
            int[] ids = Arrays.copyOf(byteTokens(tokenizer, "\n🙂"), 3);
            assertThat(tokenizer.decode(ids, true)).isEqualTo("\uFFFD\uFFFD\uFFFD");
            assertThat(generate(tokenizer, true, ids)).isEqualTo("\n\uFFFD\uFFFD");
        }
    }

    @Test
    void thePromptDecidesAboutTheLeadingSpace() throws IOException {
        try (HuggingFaceTokenizer tokenizer = TokenizerSamples.load(TokenizerSamples.BYTE_FALLBACK)) {
            int start = tokenizer.tokenToId("<s>");
            int the = tokenizer.tokenToId("▁the");
            int[] generated = {the, the};
            assertThat(generate(tokenizer.detokenizer(new int[] {the}, true, true), generated, 0, true))
                    .isEqualTo(" the the");
            assertThat(generate(tokenizer.detokenizer(new int[] {start}, true, true), generated, 0, true))
                    .isEqualTo("the the");
            assertThat(generate(tokenizer.detokenizer(new int[] {start}, false, true), generated, 0, true))
                    .isEqualTo(" the the");
        }
    }

    @Test
    void specialTokensAreSkippedOrKept() throws IOException {
        try (HuggingFaceTokenizer tokenizer = TokenizerSamples.load(TokenizerSamples.BYTE_LEVEL)) {
            int[] ids = tokenizer.encode("a<|im_end|><tool>b", false);
            assertThat(generate(tokenizer, true, ids)).isEqualTo("a<tool>b");
            assertThat(generate(tokenizer, false, ids)).isEqualTo("a<|im_end|><tool>b");
        }
    }
}
