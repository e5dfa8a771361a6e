package dev.quire.scheduler;

import dev.quire.request.FinishReason;
import dev.quire.request.SamplingParams;
import org.jspecify.annotations.Nullable;

/** Whether a sequence's newest token ends it. */
final class StopCheck {
    private final int maxModelLen;

    StopCheck(int maxModelLen) {
        this.maxModelLen = maxModelLen;
    }

    /** The reason, or null to go on. */
    @Nullable
    FinishReason check(Sequence sequence) {
        SamplingParams params = sequence.group.request.params();
        int numGenerated = sequence.numGeneratedTokens();
        int token = sequence.tokens[sequence.numTokens - 1];
        if (numGenerated >= params.minTokens()) {
            boolean eos =
                    !params.ignoreEos() && sequence.group.request.eosTokenIds().contains(token);
            if (eos || params.stopTokenIds().contains(token)) {
                return FinishReason.STOP;
            }
        }
        return isFull(sequence, sequence.numTokens) ? FinishReason.LENGTH : null;
    }

    /** Whether a sequence ends at {@code numTokens} tokens, whatever the last of them is. */
    boolean isFull(Sequence sequence, int numTokens) {
        int maxTokens = sequence.group.request.params().maxTokens();
        return numTokens - sequence.numPromptTokens >= maxTokens || numTokens >= maxModelLen;
    }

    /** The matched stop token id of a sequence that {@link #check} stopped; -1 for an end-of-sequence token. */
    int stopTokenId(Sequence sequence) {
        SamplingParams params = sequence.group.request.params();
        int token = sequence.tokens[sequence.numTokens - 1];
        boolean eos =
                !params.ignoreEos() && sequence.group.request.eosTokenIds().contains(token);
        return !eos && params.stopTokenIds().contains(token) ? token : -1;
    }
}
