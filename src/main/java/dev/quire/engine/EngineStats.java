package dev.quire.engine;

import dev.quire.scheduler.SchedulerStats;

/**
 * A reading of the engine's gauges and counters; counters never decrease.
 *
 * @param numRequestsRunning sequences in the running batch
 * @param numRequestsWaiting sequences queued or waiting for blocks
 * @param kvCacheUsage used share of KV blocks, in [0, 1]
 * @param numBlocks all KV blocks
 * @param numFreeBlocks blocks no sequence owns (cached ones included)
 * @param kvSlotSteps counter of allocated KV slots, summed over all steps
 * @param kvEmptySlotSteps counter of those of them that held no token
 * @param numPreemptions counter
 * @param numPromptTokens counter of prompt tokens of started sequences, cached ones included
 * @param numCachedPromptTokens counter of those that came from the cache
 * @param numGenerationTokens counter
 * @param prefixCacheQueries counter of tokens looked up
 * @param prefixCacheHits counter of tokens found
 * @param numSteps counter
 * @param iterationTokens histogram of tokens a step: counts of buckets with upper bounds {@link #ITERATION_BUCKETS},
 *     then of larger ones
 * @param numIterationTokens sum of that histogram
 * @param numFinished counter by {@code request.FinishReason} ordinal
 * @param hostNanos counter of the host's nanoseconds in all steps, waiting for the device left out; where the host is the
 *     device, as on the CPU, they contain the computing
 */
public record EngineStats(
        int numRequestsRunning,
        int numRequestsWaiting,
        double kvCacheUsage,
        int numBlocks,
        int numFreeBlocks,
        long kvSlotSteps,
        long kvEmptySlotSteps,
        long numPreemptions,
        long numPromptTokens,
        long numCachedPromptTokens,
        long numGenerationTokens,
        long prefixCacheQueries,
        long prefixCacheHits,
        long numSteps,
        long[] iterationTokens,
        long numIterationTokens,
        long[] numFinished,
        long hostNanos) {
    /** Upper bounds of the tokens-per-step histogram, as vLLM's {@code iteration_tokens_total}. */
    public static final int[] ITERATION_BUCKETS = SchedulerStats.ITERATION_BUCKETS;

    /** Share of allocated KV slots that held no token, over all steps, in [0, 1]. */
    public double kvInternalWaste() {
        return kvSlotSteps == 0 ? 0 : (double) kvEmptySlotSteps / kvSlotSteps;
    }
}
