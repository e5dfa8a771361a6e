package dev.quire.frontend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.request.FinishReason;
import dev.quire.request.SamplingParams;
import dev.quire.request.SequenceResult;
import dev.quire.request.TokenIds;
import dev.quire.request.TokenLogprobs;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class OutputProcessorTest {
    private static final int[] PROMPT = {'p'};
    private final ByteTokenizer tokenizer = new ByteTokenizer();
    private SamplingParams.Builder params = SamplingParams.builder().maxTokens(100);
    private List<String> stop = List.of();
    private boolean includeStop;
    private boolean skipSpecial = true;
    private int numTopLogprobs = -1;

    private OutputProcessor processor() {
        OutputOptions options = new OutputOptions(stop, includeStop, skipSpecial, true, numTopLogprobs, false);
        ValidRequest request =
                new ValidRequest(TokenIds.of(PROMPT), params.build(), TokenIds.of(ByteTokenizer.EOS), 0, 0, options);
        return new OutputProcessor(TestModels.served(tokenizer, 64), request, PROMPT);
    }

    private static SequenceResult ended(FinishReason reason, int stopTokenId) {
        return new SequenceResult(reason, stopTokenId, 1, 0, 1, 0, 1, 2, 3, 4);
    }

    /** Deltas after each token of the text. */
    private List<String> feed(OutputProcessor output, String text) {
        List<String> deltas = new ArrayList<>();
        for (int id : tokenizer.encode(text, false)) {
            output.append(id, null);
            deltas.add(output.takeText());
        }
        return deltas;
    }

    @Test
    void neverEmitsHalfACharacter() {
        OutputProcessor output = processor();
        assertThat(feed(output, "a€b")).containsExactly("a", "", "", "€", "b");
        output.append(0xE2, null);
        output.finish(ended(FinishReason.LENGTH, -1));
        assertThat(output.takeText()).isEqualTo("\uFFFD");
        assertThat(output.finishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(output.numTokens()).isEqualTo(6);
    }

    @Test
    void stopStringEndsTheTextBeforeItself() {
        stop = List.of("STOP", "###");
        OutputProcessor output = processor();
        assertThat(feed(output, "xS")).containsExactly("x", "");
        assertThat(feed(output, "TAST")).containsExactly("", "STA", "", "");
        assertThat(output.append('O', null)).isFalse();
        assertThat(output.append('P', null)).isTrue();
        assertThat(output.isFinished()).isTrue();
        assertThat(output.finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(output.stopString()).isEqualTo("STOP");
        assertThat(output.numTokens()).isEqualTo(8);
        assertThat(output.append('y', null)).isFalse();
        output.finish(ended(FinishReason.ABORT, -1));
        assertThat(output.takeText()).isEmpty();
        assertThat(output.finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(output.numTokens()).isEqualTo(8);
    }

    @Test
    void includesTheStopStringWhenAsked() {
        stop = List.of("b");
        includeStop = true;
        OutputProcessor output = processor();
        assertThat(feed(output, "abc")).containsExactly("a", "b", "");
        assertThat(output.stopString()).isEqualTo("b");
    }

    @Test
    void releasesWhatWasHeldBackAtTheEnd() {
        stop = List.of("STOP");
        OutputProcessor output = processor();
        assertThat(feed(output, "xSTO")).containsExactly("x", "", "", "");
        output.append(ByteTokenizer.EOS, null);
        output.finish(ended(FinishReason.STOP, -1));
        assertThat(output.takeText()).isEqualTo("STO");
        assertThat(output.stopString()).isNull();
        assertThat(output.stopTokenId()).isEqualTo(-1);
        assertThat(output.numTokens()).isEqualTo(5);
    }

    @Test
    void terminalTokensLeaveNoTextButCount() {
        skipSpecial = false;
        params.stopTokenIds(TokenIds.of('z'));
        OutputProcessor output = processor();
        feed(output, "a");
        output.append('z', null);
        output.finish(ended(FinishReason.STOP, 'z'));
        assertThat(output.takeText()).isEmpty();
        assertThat(output.stopTokenId()).isEqualTo('z');
        assertThat(output.numTokens()).isEqualTo(2);

        includeStop = true;
        OutputProcessor including = processor();
        including.append('z', null);
        including.finish(ended(FinishReason.STOP, 'z'));
        assertThat(including.takeText()).isEqualTo("z");
    }

    @Test
    void ignoredEosIsTextLikeAnyOther() {
        skipSpecial = false;
        params.ignoreEos(true);
        OutputProcessor output = processor();
        output.append(ByteTokenizer.EOS, null);
        assertThat(output.takeText()).isEqualTo("<eos>");
    }

    @Test
    void stopStringsDoNotCountWithinMinTokens() {
        stop = List.of("a");
        params.minTokens(3);
        OutputProcessor output = processor();
        feed(output, "aaa");
        assertThat(output.isFinished()).isFalse();
        assertThat(output.append('a', null)).isTrue();
    }

    @Test
    void keepsLogprobsUntilTakenAndOnlyWhenAsked() {
        TokenLogprobs logprobs = new TokenLogprobs('a', -1f, 1, new int[0], new float[0]);
        OutputProcessor without = processor();
        without.append('a', logprobs);
        assertThat(without.takeLogprobs()).isEmpty();
        numTopLogprobs = 0;
        OutputProcessor with = processor();
        with.append('a', logprobs);
        with.append('b', logprobs);
        assertThat(with.takeLogprobs()).hasSize(2);
        assertThat(with.takeLogprobs()).isEmpty();
    }
}
