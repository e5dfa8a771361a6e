package dev.quire.frontend;

import dev.quire.request.GenerationRequest;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import dev.quire.request.TokenSink;

/**
 * A prompt that passed every check, waiting for its way back.
 *
 * @param prompt at least one token, shorter than the model's context
 * @param eosTokenIds end a sequence unless the parameters ignore them
 * @param cacheSalt 0 shares the prefix cache with everyone
 * @param output how tokens become text
 */
public record ValidRequest(
        TokenIds prompt,
        SamplingParams params,
        TokenIds eosTokenIds,
        int priority,
        long cacheSalt,
        OutputOptions output) {

    /** The message for the engine. */
    public GenerationRequest toGeneration(String id, long arrivalNanos, TokenSink sink) {
        return new GenerationRequest(id, prompt, params, eosTokenIds, priority, cacheSalt, arrivalNanos, sink);
    }

    /** Whether a sampled id ends its sequence by itself. */
    boolean isTerminal(int tokenId) {
        return (!params.ignoreEos() && eosTokenIds.contains(tokenId))
                || params.stopTokenIds().contains(tokenId);
    }
}
