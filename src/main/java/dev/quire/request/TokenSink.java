package dev.quire.request;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The way back to the caller, carried inside the request. Called on the engine thread, in order; never blocks, never
 * throws. For each sequence index in [0, n): zero or more {@link #token}, then exactly one {@link #finished}; or one
 * {@link #failed} for the whole request, after which nothing follows.
 *
 * <p>Primitive arguments, not event objects: the step path allocates nothing per token.
 */
public interface TokenSink {
    /**
     * One sampled token.
     *
     * @param index the sequence in [0, n)
     * @param tokenId the sampled id; an end-of-sequence or stop token is reported too, just before {@link #finished}
     * @param logprobs present when the request asked for them
     */
    void token(int index, int tokenId, @Nullable TokenLogprobs logprobs);

    /** The sequence ended; nothing more comes for {@code index}. */
    void finished(int index, SequenceResult result);

    /** The engine could not serve the request (device fault, shutdown); a one-line cause for the client and the log. */
    void failed(String cause);

    /**
     * Log-probabilities of the prompt, before the first token of sequence 0, when the request asked for them.
     *
     * @param positions one entry a prompt token; the first is null, as nothing precedes it
     */
    default void promptLogprobs(List<@Nullable TokenLogprobs> positions) {}
}
