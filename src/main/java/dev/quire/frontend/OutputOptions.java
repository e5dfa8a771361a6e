package dev.quire.frontend;

import java.util.List;

/**
 * How tokens become the text of an answer.
 *
 * @param stop strings that end a sequence, none empty
 * @param includeStopString keep the matched string, and the text of a matched stop token
 * @param skipSpecialTokens leave special tokens out of the text
 * @param spacesBetweenSpecialTokens as the tokenizer's decoder does
 * @param numTopLogprobs most probable tokens to report; negative: no logprobs at all
 * @param tokensAsIds write {@code token_id:123} for a token's text in logprobs
 */
public record OutputOptions(
        List<String> stop,
        boolean includeStopString,
        boolean skipSpecialTokens,
        boolean spacesBetweenSpecialTokens,
        int numTopLogprobs,
        boolean tokensAsIds) {
    public OutputOptions {
        stop = List.copyOf(stop);
    }
}
