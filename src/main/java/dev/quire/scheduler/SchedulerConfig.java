package dev.quire.scheduler;

/**
 * Limits of the scheduler.
 *
 * @param maxModelLen tokens of one sequence at most; all KV blocks together must hold so many
 * @param maxNumSeqs sequences in the running batch at most
 * @param maxNumBatchedTokens tokens of one step at most
 * @param longPrefillTokenThreshold prompt tokens of one sequence in one step at most; 0 is off
 * @param byPriority lower priority value first instead of first come, first served
 * @param seed of the seeds of requests that bring none
 */
public record SchedulerConfig(
        int maxModelLen,
        int maxNumSeqs,
        int maxNumBatchedTokens,
        int longPrefillTokenThreshold,
        boolean byPriority,
        long seed) {
    public SchedulerConfig {
        if (maxModelLen < 1 || maxNumSeqs < 1 || maxNumBatchedTokens < 1) {
            throw new IllegalArgumentException("limits must be positive: max_model_len=" + maxModelLen
                    + ", max_num_seqs=" + maxNumSeqs + ", max_num_batched_tokens=" + maxNumBatchedTokens);
        }
    }
}
