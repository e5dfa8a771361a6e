package dev.quire.scheduler;

import dev.quire.batch.SchedulerOutput;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The running sequences, best first, and their slots: the victim of a preemption is always the last. */
final class RunningBatch {
    private final Comparator<Sequence> order;
    private final List<Sequence> sequences;
    private final Sequence[] bySlot;
    private final int[] freeSlots;
    private int numFreeSlots;
    /** Slots left since the last order that was not empty; the runner hears of them in the next. */
    private final int[] leftSlots;

    private int numLeftSlots;

    RunningBatch(int maxNumSeqs, Comparator<Sequence> order) {
        this.order = order;
        sequences = new ArrayList<>(maxNumSeqs);
        bySlot = new Sequence[maxNumSeqs];
        freeSlots = new int[maxNumSeqs];
        leftSlots = new int[2 * maxNumSeqs];
        for (int slot = maxNumSeqs - 1; slot >= 0; slot--) {
            freeSlots[numFreeSlots++] = slot;
        }
    }

    int size() {
        return sequences.size();
    }

    boolean isFull() {
        return numFreeSlots == 0;
    }

    Sequence get(int rank) {
        return sequences.get(rank);
    }

    Sequence last() {
        return sequences.get(sequences.size() - 1);
    }

    /** The sequence in a slot if it is still the one with this id, else null. */
    @org.jspecify.annotations.Nullable
    Sequence inSlot(int slot, long id) {
        Sequence sequence = bySlot[slot];
        return sequence != null && sequence.id == id ? sequence : null;
    }

    void add(Sequence sequence) {
        int rank = sequences.size();
        while (rank > 0 && order.compare(sequence, sequences.get(rank - 1)) < 0) {
            rank--;
        }
        sequences.add(rank, sequence);
        sequence.slot = freeSlots[--numFreeSlots];
        sequence.newInSlot = true;
        sequence.status = Sequence.Status.RUNNING;
        bySlot[sequence.slot] = sequence;
    }

    /** Takes a sequence out; its slot is free. */
    void remove(Sequence sequence) {
        sequences.remove(sequence);
        int slot = sequence.slot;
        bySlot[slot] = null;
        freeSlots[numFreeSlots++] = slot;
        leftSlots[numLeftSlots++] = slot;
        sequence.slot = Sequence.NO_SLOT;
    }

    /** Tells the runner which slots were left since the last order. */
    void reportFreedSlots(SchedulerOutput order) {
        for (int i = 0; i < numLeftSlots; i++) {
            order.freeSlot(leftSlots[i]);
        }
        numLeftSlots = 0;
    }
}
