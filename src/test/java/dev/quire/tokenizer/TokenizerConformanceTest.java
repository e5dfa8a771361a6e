package dev.quire.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Every tokenizer at hand against what the reference library says about it. */
@ParameterizedClass
@MethodSource("dev.quire.tokenizer.TokenizerSamples#all")
class TokenizerConformanceTest {
    /** Loading takes a second for the large ones, so it is done once each. */
    private static HuggingFaceTokenizer tokenizer;

    @Parameter
    private Path directory;

    @BeforeParameterizedClassInvocation
    static void load(Path directory) throws IOException {
        tokenizer = TokenizerSamples.load(directory);
    }

    @AfterParameterizedClassInvocation
    static void close() {
        if (tokenizer != null) {
            tokenizer.close();
            tokenizer = null;
        }
    }

    /** A sample of a large vocabulary, all of a small one. */
    private static int step() {
        return tokenizer.vocabSize() > 10_000 ? 7 : 1;
    }

    @Test
    void encodesAndDecodesAsTheReferenceDoes() throws IOException {
        List<TokenizerSamples.Vector> vectors = TokenizerSamples.vectors(directory);
        assertThat(vectors).hasSizeGreaterThan(40);
        for (TokenizerSamples.Vector vector : vectors) {
            assertThat(tokenizer.encode(vector.text(), true)).as(vector.text()).isEqualTo(vector.ids());
            assertThat(tokenizer.encode(vector.text(), false)).as(vector.text()).isEqualTo(vector.idsNoSpecial());
            assertThat(tokenizer.decode(vector.idsNoSpecial(), false)).isEqualTo(vector.decoded());
            assertThat(tokenizer.decode(vector.idsNoSpecial(), true)).isEqualTo(vector.decodedSkipSpecial());
        }
    }

    @Test
    void findsEveryTokenByItsSpelling() throws IOException {
        int numMissing = 0;
        for (int id = 0; id < tokenizer.vocabSize(); id += step()) {
            String piece = tokenizer.idToToken(id);
            int found = tokenizer.tokenToId(piece);
            if (piece.isEmpty()) {
                numMissing++;
            } else if (found != id) {
                assertThat(tokenizer.idToToken(found)).isEqualTo(piece);
            }
        }
        assertThat(numMissing).isLessThan(tokenizer.vocabSize() / 100);
        assertThat(tokenizer.tokenToId("no such token at all")).isEqualTo(-1);
        assertThat(tokenizer.idToToken(tokenizer.vocabSize())).isEmpty();
    }

    /** In the middle of a text (behind an "a") every token adds exactly its bytes. */
    @Test
    void tokenBytesAreWhatDecodingAdds() throws IOException {
        int a = tokenizer.tokenToId("a");
        for (int id = 0; id < tokenizer.vocabSize(); id += step()) {
            String added = tokenizer.decode(new int[] {a, id}, false).substring(1);
            byte[] bytes = added.getBytes(StandardCharsets.UTF_8);
            if (added.indexOf('\uFFFD') < 0 && !Arrays.equals(tokenizer.tokenBytes(id), bytes)) {
                assertThat(tokenizer.tokenBytes(id))
                        .as("bytes of %d %s", id, tokenizer.idToToken(id))
                        .isEqualTo(bytes);
            }
        }
    }

    @Test
    void piecesMakeTheFullDecodeForEverySplitOfEveryVector() throws IOException {
        for (TokenizerSamples.Vector vector : TokenizerSamples.vectors(directory)) {
            for (int[] ids : new int[][] {vector.ids(), vector.idsNoSpecial()}) {
                for (int split = 0; split <= Math.min(ids.length, 40); split++) {
                    IncrementalDetokenizerTest.checkSplit(tokenizer, ids, split, true);
                    IncrementalDetokenizerTest.checkSplit(tokenizer, ids, split, false);
                }
            }
        }
    }

    @Test
    void everyTokenAloneAndBehindAnotherIsAsDecoded() throws IOException {
        int a = tokenizer.tokenToId("a");
        for (int id = 0; id < tokenizer.vocabSize() + 3; id += step()) {
            int[] alone = {id};
            int[] behind = {a, id};
            String text = IncrementalDetokenizerTest.generate(tokenizer, true, alone) + "|"
                    + IncrementalDetokenizerTest.generate(tokenizer, false, behind);
            String expected = tokenizer.decode(alone, true) + "|" + tokenizer.decode(behind, false);
            if (!text.equals(expected)) {
                assertThat(text).as("token %d", id).isEqualTo(expected);
            }
        }
    }
}
