package dev.quire.scheduler;

import java.util.Comparator;
import java.util.TreeSet;

/**
 * Sequences that wait to run, best first. A preempted sequence comes back to its old rank, so it is ahead of everything
 * that arrived after it.
 */
final class WaitingQueue {
    /** First come, first served. */
    static final Comparator<Sequence> FCFS = (a, b) -> Long.compare(a.id, b.id);

    /** Lower priority value first, then first come. */
    static final Comparator<Sequence> PRIORITY = (a, b) -> {
        int byPriority = Integer.compare(a.group.request.priority(), b.group.request.priority());
        return byPriority != 0 ? byPriority : Long.compare(a.id, b.id);
    };

    private final TreeSet<Sequence> sequences;

    WaitingQueue(Comparator<Sequence> order) {
        sequences = new TreeSet<>(order);
    }

    void add(Sequence sequence) {
        sequences.add(sequence);
    }

    boolean isEmpty() {
        return sequences.isEmpty();
    }

    Sequence first() {
        return sequences.first();
    }

    boolean remove(Sequence sequence) {
        return sequences.remove(sequence);
    }

    int size() {
        return sequences.size();
    }
}
