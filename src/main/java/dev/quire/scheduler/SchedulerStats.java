package dev.quire.scheduler;

import dev.quire.request.FinishReason;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Gauges and counters, written by the engine thread alone and readable from any thread. Volatile fields with a single
 * writer: the increments are not atomic and need not be.
 */
@SuppressWarnings("NonAtomicOperationOnVolatileField")
public final class SchedulerStats {
    /** Upper bounds of the tokens-per-step histogram. */
    public static final int[] ITERATION_BUCKETS = {1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};

    private final AtomicLongArray finished = new AtomicLongArray(FinishReason.values().length);
    private final AtomicLongArray iterationTokens = new AtomicLongArray(ITERATION_BUCKETS.length + 1);
    private volatile int numRunning;
    private volatile int numWaiting;
    private volatile int numFreeBlocks;
    private volatile int numBlocks;
    private volatile long numPreemptions;
    private volatile long numPromptTokens;
    private volatile long numCachedPromptTokens;
    private volatile long numGenerationTokens;
    private volatile long numCacheQueries;
    private volatile long numCacheHits;
    private volatile long numSteps;
    private volatile long numIterationTokens;
    private volatile long allocatedSlotSteps;
    private volatile long emptySlotSteps;

    public int numRunning() {
        return numRunning;
    }

    public int numWaiting() {
        return numWaiting;
    }

    public int numFreeBlocks() {
        return numFreeBlocks;
    }

    public int numBlocks() {
        return numBlocks;
    }

    public long numPreemptions() {
        return numPreemptions;
    }

    public long numPromptTokens() {
        return numPromptTokens;
    }

    public long numCachedPromptTokens() {
        return numCachedPromptTokens;
    }

    public long numGenerationTokens() {
        return numGenerationTokens;
    }

    public long numCacheQueries() {
        return numCacheQueries;
    }

    public long numCacheHits() {
        return numCacheHits;
    }

    public long numSteps() {
        return numSteps;
    }

    public long numIterationTokens() {
        return numIterationTokens;
    }

    /** Allocated KV slots, summed over all steps. */
    public long numSlotSteps() {
        return allocatedSlotSteps;
    }

    /** Those of them that held no known token. */
    public long numEmptySlotSteps() {
        return emptySlotSteps;
    }

    /** A copy of the counters by {@link FinishReason} ordinal. */
    public long[] numFinished() {
        return copy(finished);
    }

    /** A copy of the counts of steps by number of tokens; one bucket more than bounds. */
    public long[] iterationTokens() {
        return copy(iterationTokens);
    }

    void gauges(int running, int waiting, int freeBlocks, int blocks) {
        numRunning = running;
        numWaiting = waiting;
        numFreeBlocks = freeBlocks;
        numBlocks = blocks;
    }

    void prefixCache(long queries, long hits) {
        numCacheQueries = queries;
        numCacheHits = hits;
    }

    void preempted() {
        numPreemptions++;
    }

    void started(int promptTokens, int cachedTokens) {
        numPromptTokens += promptTokens;
        numCachedPromptTokens += cachedTokens;
    }

    void generated(int tokens) {
        numGenerationTokens += tokens;
    }

    void finished(FinishReason reason) {
        finished.lazySet(reason.ordinal(), finished.get(reason.ordinal()) + 1);
    }

    void step(int tokens, long allocatedSlots, long emptySlots) {
        int bucket = 0;
        while (bucket < ITERATION_BUCKETS.length && tokens > ITERATION_BUCKETS[bucket]) {
            bucket++;
        }
        iterationTokens.lazySet(bucket, iterationTokens.get(bucket) + 1);
        numIterationTokens += tokens;
        numSteps++;
        allocatedSlotSteps += allocatedSlots;
        emptySlotSteps += emptySlots;
    }

    private static long[] copy(AtomicLongArray array) {
        long[] values = new long[array.length()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i);
        }
        return values;
    }
}
