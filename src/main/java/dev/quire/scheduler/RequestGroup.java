package dev.quire.scheduler;

import dev.quire.request.GenerationRequest;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import dev.quire.request.TokenLogprobs;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One request and its n sequences. The first sequence computes the prompt; its siblings wait for it and then share its
 * blocks.
 */
final class RequestGroup {
    final GenerationRequest request;
    final Sequence[] sequences;
    /** End-of-sequence and stop ids, masked while min_tokens is not reached; null when there is nothing to mask. */
    final int @Nullable [] bannedIds;
    /** The prompt's log-probabilities as its chunks come in; null when not asked. */
    final @Nullable List<@Nullable TokenLogprobs> promptLogprobs;

    boolean promptComputed;
    boolean siblingsReleased;
    int numLive;

    RequestGroup(GenerationRequest request, long firstSequenceId, long seed) {
        this.request = request;
        SamplingParams params = request.params();
        bannedIds = params.minTokens() > 0 ? concat(request.eosTokenIds(), params.stopTokenIds()) : null;
        promptLogprobs = params.numPromptLogprobs() == SamplingParams.NO_LOGPROBS ? null : new ArrayList<>();
        if (promptLogprobs != null) {
            promptLogprobs.add(null);
        }
        sequences = new Sequence[params.n()];
        for (int i = 0; i < sequences.length; i++) {
            sequences[i] = new Sequence(this, i, firstSequenceId + i, seed + i);
        }
        numLive = sequences.length;
    }

    Sequence leader() {
        return sequences[0];
    }

    private static int[] concat(TokenIds a, TokenIds b) {
        int[] all = new int[a.length() + b.length()];
        a.copyTo(all, 0);
        b.copyTo(all, a.length());
        return all;
    }
}
