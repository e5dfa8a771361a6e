package dev.quire.scheduler;

import dev.quire.kvcache.BlockTable;
import dev.quire.request.FinishReason;
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

    int numTokens;
    int numComputedTokens;
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

    int numUncomputedTokens() {
        return numTokens - numComputedTokens;
    }

    int numGeneratedTokens() {
        return numTokens - numPromptTokens;
    }

    void append(int token) {
        if (numTokens == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * numTokens);
        }
        tokens[numTokens++] = token;
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
        return "Sequence[" + id + ", " + status + ", computed=" + numComputedTokens + "/" + numTokens + ", blocks="
                + table.numBlocks() + "]";
    }
}
