package dev.quire.scheduler;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.ScheduledSequence;
import dev.quire.batch.SchedulerOutput;
import dev.quire.kvcache.BlockTable;
import dev.quire.kvcache.KvCacheManager;
import dev.quire.request.FinishReason;
import dev.quire.request.GenerationRequest;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenLogprobs;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Decides, step by step, which sequences compute how many tokens, and takes back what was sampled. There is no prefill
 * phase and no decode phase: each step raises {@code numComputedTokens} toward {@code numTokens} under a token budget.
 *
 * <p>No deadlock: the blocks hold at least one sequence of maximal length, running sequences are served best first, and
 * the victim of a preemption is always the last; so the best one always gets on.
 */
public final class Scheduler {
    private final SchedulerConfig config;
    private final KvCacheManager kvCache;
    private final SequenceListener listener;
    private final SplittableRandom seeds;
    private final WaitingQueue waiting;
    private final RunningBatch running;
    private final TokenBudget budget;
    private final StopCheck stopCheck;
    private final SchedulerStats stats = new SchedulerStats();
    private final Map<GenerationRequest, RequestGroup> groups = new IdentityHashMap<>();
    /** Slots left since the last order; the runner hears of them in the next. */
    private final int[] freedSlots;

    private int numFreedSlots;
    private long nextSequenceId;
    /** Siblings whose leader's prompt is not computed yet. */
    private int numHeld;

    public Scheduler(SchedulerConfig config, KvCacheManager kvCache, SequenceListener listener) {
        if (kvCache.capacityTokens() < config.maxModelLen()) {
            throw new IllegalArgumentException("KV blocks hold " + kvCache.capacityTokens()
                    + " tokens, fewer than max_model_len=" + config.maxModelLen());
        }
        this.config = config;
        this.kvCache = kvCache;
        this.listener = listener;
        seeds = new SplittableRandom(config.seed());
        var order = config.byPriority() ? WaitingQueue.PRIORITY : WaitingQueue.FCFS;
        waiting = new WaitingQueue(order);
        running = new RunningBatch(config.maxNumSeqs(), order);
        budget = new TokenBudget(config.maxNumBatchedTokens());
        stopCheck = new StopCheck(config.maxModelLen());
        freedSlots = new int[2 * config.maxNumSeqs()];
        updateGauges();
    }

    /** Takes a new request in. */
    public void add(GenerationRequest request) {
        SamplingParams params = request.params();
        long seed = params.hasSeed() ? params.seed() : seeds.nextLong();
        RequestGroup group = new RequestGroup(request, nextSequenceId, seed);
        nextSequenceId += params.n();
        groups.put(request, group);
        waiting.add(group.leader());
        numHeld += params.n() - 1;
        updateGauges();
    }

    /** Ends all sequences of a request whose client is gone; no effect when it has ended. */
    public void abort(GenerationRequest request) {
        RequestGroup group = groups.get(request);
        if (group != null) {
            for (Sequence sequence : group.sequences) {
                end(sequence, FinishReason.ABORT, -1);
            }
        }
        updateGauges();
    }

    /** Ends one sequence at a stop string; no effect when it has ended. */
    public void finish(GenerationRequest request, int index) {
        RequestGroup group = groups.get(request);
        if (group != null) {
            end(group.sequences[index], FinishReason.STOP, -1);
        }
        updateGauges();
    }

    /** Fails every request, with a one-line cause. */
    public void failAll(String cause) {
        for (RequestGroup group : List.copyOf(groups.values())) {
            fail(group, cause);
        }
        updateGauges();
    }

    /** Whether there is anything to compute. */
    public boolean hasWork() {
        return running.size() > 0 || !waiting.isEmpty();
    }

    /** Fills the work order of the next step. */
    public void schedule(SchedulerOutput order) {
        order.clear();
        budget.reset();
        boolean preempted = scheduleRunning(order);
        if (!preempted) {
            admitWaiting(order);
        }
        for (int i = 0; i < numFreedSlots; i++) {
            order.freeSlot(freedSlots[i]);
        }
        numFreedSlots = 0;
        if (order.isEmpty() && hasWork()) {
            throw new IllegalStateException("nothing can be scheduled: " + running.size() + " running, "
                    + waiting.size() + " waiting, " + kvCache.numFreeBlocks() + " of " + kvCache.numBlocks()
                    + " blocks free");
        }
    }

    /** Gives every running sequence its tokens, best first; true when one had to be preempted. */
    private boolean scheduleRunning(SchedulerOutput order) {
        boolean preempted = false;
        for (int rank = 0; rank < running.size() && budget.remaining() > 0; rank++) {
            Sequence sequence = running.get(rank);
            int count = budget.grant(chunk(sequence), running.size() - rank - 1);
            boolean fits = kvCache.allocate(sequence.table, sequence.numComputedTokens + count, 0);
            while (!fits) {
                Sequence victim = running.last();
                preempt(victim);
                preempted = true;
                if (victim == sequence) {
                    return true;
                }
                fits = kvCache.allocate(sequence.table, sequence.numComputedTokens + count, 0);
            }
            order(order, sequence, count);
        }
        return preempted;
    }

    /** Lets waiting sequences in, best first, while slots, budget and blocks for their whole known length last. */
    private void admitWaiting(SchedulerOutput order) {
        while (!waiting.isEmpty() && !running.isFull() && budget.remaining() > 0) {
            Sequence sequence = waiting.first();
            // One more block for each that runs stays free, or the newcomer would be preempted as soon as they grow.
            int numCached = giveBlocks(sequence, running.size());
            if (numCached < 0) {
                return;
            }
            waiting.remove(sequence);
            sequence.numComputedTokens = numCached;
            running.add(sequence);
            if (sequence.firstScheduledNanos == 0) {
                sequence.firstScheduledNanos = System.nanoTime();
                sequence.numCachedTokens = numCached;
                stats.started(sequence.numPromptTokens, numCached);
                if (sequence.usesPrefixCache && sequence.index == 0) {
                    kvCache.countQuery(sequence.numPromptTokens, numCached);
                }
            }
            order(order, sequence, budget.grant(chunk(sequence), 0));
        }
    }

    /** Blocks for all known tokens of a waiting sequence; the number of tokens already computed in them, or -1. */
    private int giveBlocks(Sequence sequence, int numReserved) {
        RequestGroup group = sequence.group;
        Sequence leader = group.leader();
        int numTokens = sequence.numTokens;
        if (!sequence.usesPrefixCache) {
            return kvCache.allocate(sequence.table, numTokens, numReserved) ? 0 : -1;
        }
        boolean leaderHoldsPrompt = sequence != leader
                && leader.status == Sequence.Status.RUNNING
                && leader.numComputedTokens >= sequence.numPromptTokens;
        if (leaderHoldsPrompt) {
            return kvCache.fork(sequence.table, leader.table, sequence.numPromptTokens, numTokens, numReserved);
        }
        return kvCache.admit(sequence.table, sequence.tokens, numTokens, group.request.cacheSalt(), numReserved);
    }

    /** Tokens a sequence wants in one step. */
    private int chunk(Sequence sequence) {
        int wanted = sequence.numUncomputedTokens();
        int threshold = config.longPrefillTokenThreshold();
        return threshold > 0 ? Math.min(wanted, threshold) : wanted;
    }

    private void order(SchedulerOutput order, Sequence sequence, int count) {
        budget.spend(count);
        RequestGroup group = sequence.group;
        ScheduledSequence row = order.next();
        row.sequenceId = sequence.id;
        row.slot = sequence.slot;
        row.newInSlot = sequence.newInSlot;
        row.params = group.request.params();
        row.seed = sequence.seed;
        row.tokens = sequence.tokens;
        row.numTokens = sequence.numTokens;
        row.numPromptTokens = sequence.numPromptTokens;
        row.firstPosition = sequence.numComputedTokens;
        row.numScheduledTokens = count;
        row.samples = sequence.numComputedTokens + count == sequence.numTokens && row.params.maxTokens() > 0;
        row.bannedIds = sequence.numGeneratedTokens() < row.params.minTokens() ? group.bannedIds : null;
        row.blockIds = sequence.table.blocks();
        row.numBlocks = sequence.table.numBlocks();
        sequence.newInSlot = false;
        order.commit();
    }

    /** Gives a running sequence's blocks up; it waits at its old rank and computes all its tokens again. */
    private void preempt(Sequence sequence) {
        leaveSlot(sequence);
        kvCache.free(sequence.table);
        sequence.numComputedTokens = 0;
        sequence.numPreemptions++;
        sequence.status = Sequence.Status.WAITING;
        waiting.add(sequence);
        stats.preempted();
    }

    /** Takes in what one step computed and tells the callers. Rows of sequences that ended meanwhile are ignored. */
    public void update(SchedulerOutput order, ModelRunnerOutput result) {
        long now = System.nanoTime();
        for (int i = 0; i < order.numRows(); i++) {
            ScheduledSequence row = order.row(i);
            Sequence sequence = running.inSlot(row.slot, row.sequenceId);
            if (sequence != null) {
                advance(sequence, row, result.promptLogprobs(i));
                if (row.samples) {
                    accept(sequence, result.sampledId(i), result.logprobs(i), now);
                } else if (row.params.maxTokens() == 0 && sequence.numUncomputedTokens() == 0) {
                    end(sequence, FinishReason.LENGTH, -1);
                }
            }
        }
        countStep(order.numScheduledTokens());
        updateGauges();
    }

    private void advance(Sequence sequence, ScheduledSequence row, @Nullable List<TokenLogprobs> promptLogprobs) {
        RequestGroup group = sequence.group;
        sequence.numComputedTokens += row.numScheduledTokens;
        if (sequence.usesPrefixCache) {
            kvCache.cacheFullBlocks(
                    sequence.table, sequence.tokens, sequence.numComputedTokens, group.request.cacheSalt());
        }
        List<@Nullable TokenLogprobs> collected = group.promptLogprobs;
        if (collected != null && promptLogprobs != null && sequence.index == 0 && !group.promptComputed) {
            // A preempted prompt is computed again from position 0: keep what is there already.
            int known = collected.size() - 1 - row.firstPosition;
            collected.addAll(promptLogprobs.subList(Math.min(known, promptLogprobs.size()), promptLogprobs.size()));
        }
        if (!group.promptComputed && sequence.numComputedTokens >= sequence.numPromptTokens) {
            promptDone(group);
            if (collected != null) {
                group.request.sink().promptLogprobs(collected);
            }
        }
    }

    private void accept(Sequence sequence, int token, @Nullable TokenLogprobs logprobs, long now) {
        GenerationRequest request = sequence.group.request;
        if (token == ModelRunnerOutput.INVALID_TOKEN) {
            fail(
                    sequence.group,
                    "the model's logits hold no valid number for " + request.id() + " at position "
                            + sequence.numTokens);
            return;
        }
        if (sequence.firstTokenNanos == 0) {
            sequence.firstTokenNanos = now;
        }
        sequence.append(token);
        stats.generated(1);
        request.sink().token(sequence.index, token, logprobs);
        FinishReason reason = stopCheck.check(sequence);
        if (reason != null) {
            end(sequence, reason, reason == FinishReason.STOP ? stopCheck.stopTokenId(sequence) : -1);
        }
    }

    private void promptDone(RequestGroup group) {
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

    private void end(Sequence sequence, FinishReason reason, int stopTokenId) {
        if (sequence.status == Sequence.Status.ENDED) {
            return;
        }
        leave(sequence);
        stats.finished(reason);
        // The caller hears last: who then asks for a place, or reads the gauges, finds this one free.
        retire(sequence);
        sequence.group.request.sink().finished(sequence.index, sequence.result(reason, stopTokenId, System.nanoTime()));
    }

    private void fail(RequestGroup group, String cause) {
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

    /** Takes a sequence out of wherever it is and frees its blocks. */
    private void leave(Sequence sequence) {
        if (sequence.status == Sequence.Status.RUNNING) {
            leaveSlot(sequence);
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

    private void leaveSlot(Sequence sequence) {
        freedSlots[numFreedSlots++] = running.remove(sequence);
    }

    private void countStep(int numTokens) {
        long slots = 0;
        long empty = 0;
        for (int rank = 0; rank < running.size(); rank++) {
            Sequence sequence = running.get(rank);
            BlockTable table = sequence.table;
            long allocated = (long) kvCache.blockSize() * table.numBlocks();
            slots += allocated;
            empty += Math.max(0, allocated - sequence.numTokens);
        }
        stats.step(numTokens, slots, empty);
        stats.prefixCache(kvCache.numQueries(), kvCache.numHits());
    }

    private void updateGauges() {
        stats.gauges(running.size(), waiting.size() + numHeld, kvCache.numFreeBlocks(), kvCache.numBlocks());
    }

    public SchedulerStats stats() {
        return stats;
    }

    /** Checks that blocks are owned exactly by the live sequences; throws IllegalStateException when not. */
    public void verify() {
        List<BlockTable> tables = new ArrayList<>();
        for (RequestGroup group : groups.values()) {
            for (Sequence sequence : group.sequences) {
                tables.add(sequence.table);
            }
        }
        kvCache.verify(tables);
    }
}
