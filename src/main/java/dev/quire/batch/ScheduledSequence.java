package dev.quire.batch;

import dev.quire.request.SamplingParams;

/**
 * One row of the work order: tokens to compute for one sequence in this step. Filled by the scheduler, reused from step
 * to step; the arrays are append-only, so a reference with a count is a snapshot.
 */
public final class ScheduledSequence {
    /** Unique over the engine's life. */
    public long sequenceId;
    /** In [0, maxNumSeqs), the sequence's own while it runs: runners index their per-sequence state by it. */
    public int slot;
    /** First row since the sequence was admitted to its slot (also after a preemption). */
    public boolean newInSlot;

    public SamplingParams params;
    /** Seed of this sequence: the request's, varied by its index, or drawn by the engine. */
    public long seed;

    /** Prompt then generated tokens; valid in [0, numTokens). */
    public int[] tokens;

    public int numTokens;
    public int numPromptTokens;
    /** Position of the first token to compute. */
    public int firstPosition;
    /** Tokens to compute, ≥ 1. */
    public int numScheduledTokens;
    /** The last scheduled token is the sequence's last: its logits are sampled. */
    public boolean samples;
    /** End-of-sequence and stop ids, masked because min_tokens is not reached; null when none. */
    public int[] bannedIds;

    /** Physical block ids in logical order; valid in [0, numBlocks). */
    public int[] blockIds;

    public int numBlocks;

    /** Tokens generated so far, before this step. */
    public int numGeneratedTokens() {
        return numTokens - numPromptTokens;
    }
}
