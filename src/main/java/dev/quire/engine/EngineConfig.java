package dev.quire.engine;

/**
 * Limits of one engine, resolved: nothing here is "auto" any more.
 *
 * @param maxModelLen prompt and generated tokens of one sequence at most
 * @param maxNumSeqs sequences in the running batch at most
 * @param maxNumBatchedTokens tokens computed in one step at most
 * @param blockSize tokens in a KV block
 * @param numBlocks KV blocks
 * @param enablePrefixCaching keep full blocks for later prompts
 * @param longPrefillTokenThreshold prompt tokens of one sequence in one step at most; 0 is off
 * @param policy order of the waiting queue
 * @param maxNumQueuedRequests sequences waiting or running at most before submit answers QUEUE_FULL
 * @param maxNumQueuedTokens prompt tokens waiting at most before submit answers QUEUE_FULL
 * @param seed of requests that bring none
 */
public record EngineConfig(
        int maxModelLen,
        int maxNumSeqs,
        int maxNumBatchedTokens,
        int blockSize,
        int numBlocks,
        boolean enablePrefixCaching,
        int longPrefillTokenThreshold,
        Policy policy,
        int maxNumQueuedRequests,
        long maxNumQueuedTokens,
        long seed) {
    /** Order of the waiting queue. */
    public enum Policy {
        FCFS,
        PRIORITY
    }
}
