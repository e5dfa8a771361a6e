package dev.quire.scheduler;

import dev.quire.batch.ScheduledSequence;
import dev.quire.kvcache.BlockTable;
import dev.quire.request.FinishReason;
import dev.quire.request.SamplingParams;
import dev.quire.request.SequenceResult;
import java.util.Arrays;

/** One sequence on its way: its tokens, how many of them are computed, its blocks, its slot. */
final class Sequence {
    enum Status {
        /** Waits for its leader's prompt. */
        HELD,
        WAITING,
        RUNNING,
        ENDED
    }

    static final int NO_SLOT = -1;

    final RequestGroup group;
    final int index;
    /** Order of arrival over the engine's life. */
    final long id;

    final long seed;
    final int numPromptTokens;
    final BlockTable table = new BlockTable();
    /** Whether it may use and feed the prefix cache: not when log-probabilities of its prompt are asked. */
    final boolean usesPrefixCache;

    /** Append-only; replaced when it grows. */
    int[] tokens;

    /** Known tokens: prompt, and what was sampled and collected. */
    int numTokens;
    /** Tokens that steps in flight sample: they follow the known ones, and no one on the host knows them. */
    int numPendingTokens;
    /** Tokens whose K and V are in the blocks. */
    int numComputedTokens;
    /** Tokens that steps in flight compute: they follow the computed ones. */
    int numInFlightTokens;

    Status status;
    int slot = NO_SLOT;
    boolean newInSlot;

    int numCachedTokens;
    int numPreemptions;
    long firstScheduledNanos;
    long firstTokenNanos;

    Sequence(RequestGroup group, int index, long id, long seed) {
        this.group = group;
        this.index = index;
        this.id = id;
        this.seed = seed;
        numPromptTokens = group.request.prompt().length();
        usesPrefixCache = group.promptLogprobs == null;
        long capacity = (long) numPromptTokens + Math.min(group.request.params().maxTokens(), 256) + 1;
        tokens = new int[Math.toIntExact(capacity)];
        group.request.prompt().copyTo(tokens, 0);
        numTokens = numPromptTokens;
        status = index == 0 ? Status.WAITING : Status.HELD;
    }

    /** Known tokens that are not computed, in flight or not. */
    int numUncomputedTokens() {
        return numTokens - numComputedTokens;
    }

    /** Tokens that are in no step yet; at most one of them is pending. */
    int numUnscheduledTokens() {
        return numTokens + numPendingTokens - nextPosition();
    }

    /** Position of the first token that is in no step yet. */
    int nextPosition() {
        return numComputedTokens + numInFlightTokens;
    }

    /**
     * Whether only the host's knowledge of all tokens lets the next one be sampled: penalties count them. Such a sequence
     * sits out while its newest token is pending, so it runs in every other step where two are in flight.
     */
    boolean needsKnownTokens() {
        return group.request.params().hasPenalties();
    }

    /** Fills a row with the next {@code count} tokens, and goes on as if they were computed and the token sampled. */
    void schedule(ScheduledSequence row, int count) {
        SamplingParams params = group.request.params();
        int numAllTokens = numTokens + numPendingTokens;
        reserve(numAllTokens);
        row.sequenceId = id;
        row.slot = slot;
        row.newInSlot = newInSlot;
        row.numPreemptions = numPreemptions;
        row.params = params;
        row.seed = seed;
        row.tokens = tokens;
        row.numTokens = numAllTokens;
        row.numPendingTokens = numPendingTokens;
        row.numPromptTokens = numPromptTokens;
        row.firstPosition = nextPosition();
        row.numScheduledTokens = count;
        row.samples = row.firstPosition + count == numAllTokens && params.maxTokens() > 0;
        row.bannedIds = row.numGeneratedTokens() < params.minTokens() ? group.bannedIds : null;
        row.blockIds = table.blocks();
        row.numBlocks = table.numBlocks();
        newInSlot = false;
        numInFlightTokens += count;
        numPendingTokens += row.samples ? 1 : 0;
    }

    /** Takes in that a row's tokens are computed; a token it sampled is handed to {@link #append}. */
    void computed(ScheduledSequence row) {
        numComputedTokens += row.numScheduledTokens;
        numInFlightTokens -= row.numScheduledTokens;
        numPendingTokens -= row.samples ? 1 : 0;
    }

    /** Forgets all that was computed or is in flight; the known tokens stay. */
    void restart() {
        numComputedTokens = 0;
        numInFlightTokens = 0;
        numPendingTokens = 0;
        numPreemptions++;
    }

    int numGeneratedTokens() {
        return numTokens - numPromptTokens;
    }

    void append(int token) {
        reserve(numTokens + 1);
        tokens[numTokens++] = token;
    }

    private void reserve(int capacity) {
        if (capacity > tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * capacity);
        }
    }

    /** Of a live sequence: throws IllegalStateException when the counts contradict each other or the blocks. */
    void verify(int blockSize) {
        boolean running = status == Status.RUNNING;
        boolean consistent = numComputedTokens >= 0
                && numInFlightTokens >= 0
                && numPendingTokens >= 0
                && numUnscheduledTokens() >= 0
                && nextPosition() <= table.numBlocks() * blockSize
                && (running || nextPosition() == 0 && numPendingTokens == 0 && table.numBlocks() == 0);
        if (!consistent) {
            throw new IllegalStateException("inconsistent: " + this);
        }
    }

    SequenceResult result(FinishReason reason, int stopTokenId, long now) {
        return new SequenceResult(
                reason,
                stopTokenId,
                numPromptTokens,
                numCachedTokens,
                numGeneratedTokens(),
                numPreemptions,
                group.request.arrivalNanos(),
                firstScheduledNanos,
                firstTokenNanos,
                now);
    }

    @Override
    public String toString() {
        return "Sequence[" + id + ", " + status + ", computed=" + numComputedTokens + "+" + numInFlightTokens + "/"
                + numTokens + "+" + numPendingTokens + ", blocks="
                + table.numBlocks() + "]";
    }
}
