package dev.quire.batch;

/** The work order of one step, sufficient for the runner. Reused from step to step. */
public final class SchedulerOutput {
    private final ScheduledSequence[] rows;
    private final int[] freedSlots;
    private int numRows;
    private int numFreedSlots;
    private int numScheduledTokens;
    private int numSampledRows;

    public SchedulerOutput(int maxNumSeqs) {
        rows = new ScheduledSequence[maxNumSeqs];
        for (int i = 0; i < maxNumSeqs; i++) {
            rows[i] = new ScheduledSequence();
        }
        // A slot can be freed by a finish and, reused, by a preemption before the runner hears of either.
        freedSlots = new int[2 * maxNumSeqs];
    }

    /** Starts a new step. */
    public void clear() {
        numRows = 0;
        numFreedSlots = 0;
        numScheduledTokens = 0;
        numSampledRows = 0;
    }

    /** The next row to fill; complete it, then call {@link #commit}. */
    public ScheduledSequence next() {
        return rows[numRows];
    }

    /** Counts the row that {@link #next} gave. */
    public void commit() {
        ScheduledSequence row = rows[numRows++];
        numScheduledTokens += row.numScheduledTokens;
        if (row.samples) {
            numSampledRows++;
        }
    }

    public ScheduledSequence row(int index) {
        return rows[index];
    }

    public int numRows() {
        return numRows;
    }

    public int numScheduledTokens() {
        return numScheduledTokens;
    }

    /** Rows with {@code samples} set. */
    public int numSampledRows() {
        return numSampledRows;
    }

    /** Tells the runner that a slot's sequence ended or was preempted since the last order. */
    public void freeSlot(int slot) {
        freedSlots[numFreedSlots++] = slot;
    }

    public int numFreedSlots() {
        return numFreedSlots;
    }

    public int freedSlot(int index) {
        return freedSlots[index];
    }

    public boolean isEmpty() {
        return numRows == 0;
    }
}
