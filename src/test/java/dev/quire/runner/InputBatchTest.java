package dev.quire.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.batch.ScheduledSequence;
import dev.quire.batch.SchedulerOutput;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class InputBatchTest {
    @Test
    void aPendingTokenIsNamedByItsSlot() {
        SchedulerOutput order = new SchedulerOutput(3);
        add(order, 2, 0, 3, 0);
        add(order, 5, 3, 1, 1);
        add(order, 0, 3, 1, 0);
        InputBatch input = new InputBatch(3, 8, 16, 4);
        input.fill(order);
        assertThat(Arrays.copyOf(input.tokenIds, 5)).containsExactly(10, 11, 12, -6, 13);
        assertThat(Arrays.copyOf(input.metadata.positions, 5)).containsExactly(0, 1, 2, 3, 3);
        assertThat(Arrays.copyOf(input.logitRows, input.numLogitRows)).containsExactly(2, 3, 4);
    }

    private static void add(SchedulerOutput order, int slot, int firstPosition, int count, int numPending) {
        ScheduledSequence row = order.next();
        row.slot = slot;
        row.tokens = new int[] {10, 11, 12, numPending > 0 ? -99 : 13};
        row.firstPosition = firstPosition;
        row.numScheduledTokens = count;
        row.numTokens = firstPosition + count;
        row.numPendingTokens = numPending;
        row.samples = true;
        row.blockIds = new int[] {slot};
        row.numBlocks = 1;
        order.commit();
    }
}
