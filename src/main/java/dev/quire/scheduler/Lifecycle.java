package dev.quire.scheduler;

import dev.quire.kvcache.BlockTable;
import dev.quire.kvcache.KvCacheManager;
import dev.quire.request.FinishReason;
import dev.quire.request.GenerationRequest;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The way of every live request from its arrival to its end: held, waiting, running, ended. It gives blocks and slots
 * back, and tells listener and caller.
 */
final class Lifecycle {
    final WaitingQueue waiting;
    final RunningBatch running;
    private final KvCacheManager kvCache;
    private final SequenceListener listener;
    private final SchedulerStats stats;
    private final Map<GenerationRequest, RequestGroup> groups = new IdentityHashMap<>();
    /** Siblings whose leader's prompt is not computed yet. */
    private int numHeld;

    Lifecycle(SchedulerConfig config, KvCacheManager kvCache, SequenceListener listener, SchedulerStats stats) {
        this.kvCache = kvCache;
        this.listener = listener;
        this.stats = stats;
        var order = config.byPriority() ? WaitingQueue.PRIORITY : WaitingQueue.FCFS;
        waiting = new WaitingQueue(order);
        running = new RunningBatch(config.maxNumSeqs(), order);
        updateGauges();
    }

    void add(RequestGroup group) {
        groups.put(group.request, group);
        waiting.add(group.leader());
        numHeld += group.sequences.length - 1;
    }

    /** The live request's sequences; null when it has ended. */
    @Nullable
    RequestGroup find(GenerationRequest request) {
        return groups.get(request);
    }

    /**
     * Gives a running sequence's blocks up; it waits at its old rank and computes all its tokens again. A pending token is
     * dropped and drawn again: the draw depends on the known tokens, the seed and the count alone, and no caller has heard
     * of the first one, so nothing is lost and nothing said twice.
     */
    void preempt(Sequence sequence) {
        running.remove(sequence);
        kvCache.free(sequence.table);
        sequence.restart();
        sequence.status = Sequence.Status.WAITING;
        waiting.add(sequence);
        stats.preempted();
    }

    /** The leader has computed the prompt, or never will. */
    void promptDone(RequestGroup group) {
        group.promptComputed = true;
        listener.promptDone(group.request);
        releaseSiblings(group);
    }

    /** Siblings wait for the leader's prompt; when it is there, or never will be, they queue up for themselves. */
    private void releaseSiblings(RequestGroup group) {
        if (group.siblingsReleased) {
            return;
        }
        group.siblingsReleased = true;
        numHeld -= group.sequences.length - 1;
        for (Sequence sibling : group.sequences) {
            if (sibling.status == Sequence.Status.HELD) {
                sibling.status = Sequence.Status.WAITING;
                waiting.add(sibling);
            }
        }
    }

    /** Ends one sequence; no effect when it has ended. */
    void end(Sequence sequence, FinishReason reason, int stopTokenId) {
        if (sequence.status == Sequence.Status.ENDED) {
            return;
        }
        leave(sequence);
        stats.finished(reason);
        // The caller hears last: who then asks for a place, or reads the gauges, finds this one free.
        retire(sequence);
        sequence.group.request.sink().finished(sequence.index, sequence.result(reason, stopTokenId, System.nanoTime()));
    }

    /** Fails a request with all its sequences, with a one-line cause. */
    void fail(RequestGroup group, String cause) {
        List<Sequence> live = new ArrayList<>();
        for (Sequence sequence : group.sequences) {
            if (sequence.status != Sequence.Status.ENDED) {
                live.add(sequence);
                leave(sequence);
                stats.finished(FinishReason.ERROR);
            }
        }
        live.forEach(this::retire);
        group.request.sink().failed(cause);
    }

    void failAll(String cause) {
        for (RequestGroup group : List.copyOf(groups.values())) {
            fail(group, cause);
        }
    }

    /**
     * Takes a sequence out of wherever it is and frees its blocks, even while a step in flight still works on them: the
     * device runs steps in order, so whoever gets the blocks writes them after that step. The prefix cache is not misled
     * either: it was offered computed blocks only, and rows in flight write behind those.
     */
    private void leave(Sequence sequence) {
        if (sequence.status == Sequence.Status.RUNNING) {
            running.remove(sequence);
        } else if (sequence.status == Sequence.Status.WAITING) {
            waiting.remove(sequence);
        }
        kvCache.free(sequence.table);
        sequence.status = Sequence.Status.ENDED;
        // Before the caller hears of the end: who then reads the gauges must not find these blocks taken.
        updateGauges();
    }

    /** Tells the listener that a sequence is gone, and with the last one the request. */
    private void retire(Sequence sequence) {
        RequestGroup group = sequence.group;
        group.numLive--;
        if (!group.promptComputed && (sequence.index == 0 || group.numLive == 0)) {
            promptDone(group);
        }
        listener.sequenceEnded(group.request);
        if (group.numLive == 0) {
            groups.remove(group.request);
        }
    }

    void updateGauges() {
        stats.gauges(running.size(), waiting.size() + numHeld, kvCache.numFreeBlocks(), kvCache.numBlocks());
    }

    /** Checks all counts, and that blocks are owned exactly by the live sequences; throws IllegalStateException. */
    void verify() {
        List<BlockTable> tables = new ArrayList<>();
        for (RequestGroup group : groups.values()) {
            for (Sequence sequence : group.sequences) {
                if (sequence.status != Sequence.Status.ENDED) {
                    sequence.verify(kvCache.blockSize());
                }
                tables.add(sequence.table);
            }
        }
        kvCache.verify(tables);
    }
}
