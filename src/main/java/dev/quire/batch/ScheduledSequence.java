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
    /** The sequence's preemptions before this row: a row from before the last one is ignored when its result comes. */
    public int numPreemptions;

    public SamplingParams params;
    /** Seed of this sequence: the request's, varied by its index, or drawn by the engine. */
    public long seed;

    /** Prompt then generated tokens; valid in [0, numTokens - numPendingTokens). */
    public int[] tokens;

    /** Pending ones included. */
    public int numTokens;
    /**
     * 1 when the last token is sampled by the step still in flight, else 0. Its value is not in {@link #tokens} yet: a
     * runner takes it from what was sampled last in {@link #slot}.
     */
    public int numPendingTokens;

    public int numPromptTokens;
    /** Position of the first token to compute. */
    public int firstPosition;
    /** Tokens to compute, ≥ 1; exactly the pending one when there is one. */
    public int numScheduledTokens;
    /** The last scheduled token is the sequence's last: its logits are sampled. */
    public boolean samples;
    /** End-of-sequence and stop ids, masked because min_tokens is not reached; null when none. */
    public int[] bannedIds;

    /** Physical block ids in logical order; valid in [0, numBlocks). */
    public int[] blockIds;

    public int numBlocks;

    /** Tokens generated before this step, the pending one included. */
    public int numGeneratedTokens() {
        return numTokens - numPromptTokens;
    }
}
