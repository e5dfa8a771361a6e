package dev.quire.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.ScheduledSequence;
import dev.quire.batch.SchedulerOutput;
import java.util.ArrayDeque;
import java.util.Arrays;

/**
 * A device that computes as late as it may: a step's rows are read when it is collected, with the next step submitted
 * already. K and V of a token are the token itself, written to its slot of the cache; the next token is a hash of
 * everything the block table shows. So a wrong block, a stale slot or a lost token changes what comes out. It checks
 * every order against the contract.
 */
final class ScriptedDevice {
    static final int VOCAB = 1000;

    private record Step(SchedulerOutput order, ModelRunnerOutput output) {}

    /** Rows of this sequence sample the invalid token. */
    long invalidSequence = -1;

    private final int blockSize;
    private final int maxStepsInFlight;
    private final ArrayDeque<Step> steps = new ArrayDeque<>();
    private final int[] cache;
    /** What each slot sampled last: where pending tokens come from. */
    private final int[] lastSampled;
    /** As of the last submitted order. */
    private final long[] ownerOfSlot;

    private final int[] nextPosition;

    ScriptedDevice(int maxNumSeqs, int numBlocks, int blockSize, int maxStepsInFlight) {
        this.blockSize = blockSize;
        this.maxStepsInFlight = maxStepsInFlight;
        cache = new int[numBlocks * blockSize];
        Arrays.fill(cache, -1);
        lastSampled = new int[maxNumSeqs];
        ownerOfSlot = new long[maxNumSeqs];
        Arrays.fill(ownerOfSlot, -1);
        nextPosition = new int[maxNumSeqs];
    }

    /** What a sequence's next token must be, given its tokens. */
    static int next(int[] tokens, int count) {
        int h = 17;
        for (int i = 0; i < count; i++) {
            h = h * 31 + tokens[i];
        }
        return Math.floorMod(h ^ (h >>> 15), VOCAB);
    }

    void submit(SchedulerOutput order, ModelRunnerOutput output) {
        assertThat(steps.size()).isLessThan(maxStepsInFlight);
        for (int i = 0; i < order.numFreedSlots(); i++) {
            int slot = order.freedSlot(i);
            assertThat(ownerOfSlot[slot]).as("a freed slot had an owner").isNotNegative();
            ownerOfSlot[slot] = -1;
        }
        for (int i = 0; i < order.numRows(); i++) {
            check(order.row(i));
            for (int j = 0; j < i; j++) {
                assertThat(order.row(j).slot).isNotEqualTo(order.row(i).slot);
            }
        }
        steps.add(new Step(order, output));
    }

    private void check(ScheduledSequence row) {
        assertThat(row.numScheduledTokens).isPositive();
        assertThat(row.tokens.length).isGreaterThanOrEqualTo(row.numTokens);
        if (row.newInSlot) {
            assertThat(ownerOfSlot[row.slot]).as("slot is free").isEqualTo(-1);
            assertThat(row.numPendingTokens).isZero();
            ownerOfSlot[row.slot] = row.sequenceId;
        } else {
            assertThat(ownerOfSlot[row.slot]).isEqualTo(row.sequenceId);
            assertThat(row.firstPosition).as("no gap").isEqualTo(nextPosition[row.slot]);
        }
        nextPosition[row.slot] = row.firstPosition + row.numScheduledTokens;
        assertThat(row.samples).isEqualTo(nextPosition[row.slot] == row.numTokens && row.params.maxTokens() > 0);
        if (row.numPendingTokens > 0) {
            assertThat(row.numPendingTokens).isEqualTo(1);
            assertThat(row.numScheduledTokens).isEqualTo(1);
            assertThat(row.samples).isTrue();
            assertThat(row.params.hasPenalties()).isFalse();
            assertThat(samplesIn(steps.peekLast(), row))
                    .as("the step before samples the pending token")
                    .isTrue();
        }
    }

    private static boolean samplesIn(Step step, ScheduledSequence pending) {
        for (int i = 0; i < step.order.numRows(); i++) {
            ScheduledSequence row = step.order.row(i);
            if (row.slot == pending.slot) {
                return row.samples && row.sequenceId == pending.sequenceId && row.numTokens == pending.numTokens - 1;
            }
        }
        return false;
    }

    /** Computes the oldest step. */
    void collect() {
        Step step = steps.remove();
        for (int i = 0; i < step.order.numRows(); i++) {
            write(step.order.row(i));
        }
        for (int i = 0; i < step.order.numRows(); i++) {
            ScheduledSequence row = step.order.row(i);
            if (row.samples) {
                int token = row.sequenceId == invalidSequence ? ModelRunnerOutput.INVALID_TOKEN : sample(row);
                lastSampled[row.slot] = token;
                step.output.set(i, token, null);
            }
        }
    }

    private void write(ScheduledSequence row) {
        int numKnown = row.numTokens - row.numPendingTokens;
        for (int p = row.firstPosition; p < row.firstPosition + row.numScheduledTokens; p++) {
            cache[cacheSlot(row, p)] = p < numKnown ? row.tokens[p] : lastSampled[row.slot];
        }
    }

    private int sample(ScheduledSequence row) {
        int[] seen = new int[row.numTokens];
        for (int p = 0; p < seen.length; p++) {
            seen[p] = cache[cacheSlot(row, p)];
        }
        if (row.params.hasPenalties()) {
            assertThat(Arrays.copyOf(row.tokens, row.numTokens)).isEqualTo(seen);
        }
        int token = next(seen, seen.length);
        if (row.params.hasSeed()) {
            token = Math.floorMod(token + Long.hashCode(row.seed * 31 + row.numGeneratedTokens()), VOCAB);
        }
        while (row.bannedIds != null && contains(row.bannedIds, token)) {
            token = (token + 1) % VOCAB;
        }
        return token;
    }

    private static boolean contains(int[] ids, int id) {
        return Arrays.stream(ids).anyMatch(i -> i == id);
    }

    private int cacheSlot(ScheduledSequence row, int position) {
        return row.blockIds[position / blockSize] * blockSize + position % blockSize;
    }
}
