package dev.quire.request;

/**
 * How one sequence of a request ended, and what it cost. Times are {@link System#nanoTime()} values; 0 means never.
 *
 * @param reason why it ended
 * @param stopTokenId the matched id of {@code stop_token_ids}, or -1 (also for an end-of-sequence token)
 * @param numPromptTokens length of the prompt
 * @param numCachedTokens prompt tokens that came from the prefix cache or from a sibling at first admission
 * @param numGeneratedTokens tokens emitted
 * @param numPreemptions times it was preempted and recomputed
 * @param arrivalNanos when the request arrived
 * @param firstScheduledNanos when its first token was scheduled
 * @param firstTokenNanos when its first token was sampled
 * @param finishedNanos when it ended
 */
public record SequenceResult(
        FinishReason reason,
        int stopTokenId,
        int numPromptTokens,
        int numCachedTokens,
        int numGeneratedTokens,
        int numPreemptions,
        long arrivalNanos,
        long firstScheduledNanos,
        long firstTokenNanos,
        long finishedNanos) {}
