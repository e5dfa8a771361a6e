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
import java.util.List;
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
    private final SplittableRandom seeds;
    private final Lifecycle lifecycle;
    private final WaitingQueue waiting;
    private final RunningBatch running;
    private final TokenBudget budget;
    private final StopCheck stopCheck;
    private final SchedulerStats stats = new SchedulerStats();
    private long nextSequenceId;
    private int numStepsInFlight;

    public Scheduler(SchedulerConfig config, KvCacheManager kvCache, SequenceListener listener) {
        if (kvCache.capacityTokens() < config.maxModelLen()) {
            throw new IllegalArgumentException("KV blocks hold " + kvCache.capacityTokens()
                    + " tokens, fewer than max_model_len=" + config.maxModelLen());
        }
        this.config = config;
        this.kvCache = kvCache;
        seeds = new SplittableRandom(config.seed());
        lifecycle = new Lifecycle(config, kvCache, listener, stats);
        waiting = lifecycle.waiting;
        running = lifecycle.running;
        budget = new TokenBudget(config.maxNumBatchedTokens());
        stopCheck = new StopCheck(config.maxModelLen());
    }

    /** Takes a new request in. */
    public void add(GenerationRequest request) {
        SamplingParams params = request.params();
        long seed = params.hasSeed() ? params.seed() : seeds.nextLong();
        RequestGroup group = new RequestGroup(request, nextSequenceId, seed);
        nextSequenceId += params.n();
        lifecycle.add(group);
        lifecycle.updateGauges();
    }

    /** Ends all sequences of a request whose client is gone; no effect when it has ended. */
    public void abort(GenerationRequest request) {
        RequestGroup group = lifecycle.find(request);
        if (group != null) {
            for (Sequence sequence : group.sequences) {
                lifecycle.end(sequence, FinishReason.ABORT, -1);
            }
        }
        lifecycle.updateGauges();
    }

    /** Ends one sequence at a stop string; no effect when it has ended. */
    public void finish(GenerationRequest request, int index) {
        RequestGroup group = lifecycle.find(request);
        if (group != null) {
            lifecycle.end(group.sequences[index], FinishReason.STOP, -1);
        }
        lifecycle.updateGauges();
    }

    /** Fails every request, with a one-line cause. */
    public void failAll(String cause) {
        lifecycle.failAll(cause);
        lifecycle.updateGauges();
    }

    /** Whether there is anything to compute. */
    public boolean hasWork() {
        return running.size() > 0 || !waiting.isEmpty();
    }

    /**
     * Fills the work order of the next step, which may follow on steps in flight: their sequences go on as if those had
     * been computed already, except where the next token depends on what is not known yet. The order stays empty when
     * there is nothing to compute, or only results in flight let anyone get on.
     */
    public void schedule(SchedulerOutput order) {
        order.clear();
        budget.reset();
        boolean preempted = scheduleRunning(order);
        if (!preempted) {
            admitWaiting(order);
        }
        if (!order.isEmpty()) {
            numStepsInFlight++;
            running.reportFreedSlots(order);
        } else if (hasWork() && numStepsInFlight == 0) {
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
            int wanted = chunk(sequence);
            if (wanted == 0) {
                continue;
            }
            int count = budget.grant(wanted, running.size() - rank - 1);
            boolean fits = kvCache.allocate(sequence.table, sequence.nextPosition() + count, 0);
            while (!fits) {
                Sequence victim = running.last();
                lifecycle.preempt(victim);
                preempted = true;
                if (victim == sequence) {
                    return true;
                }
                fits = kvCache.allocate(sequence.table, sequence.nextPosition() + count, 0);
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

    /** Tokens a sequence wants in one step; 0 when it has to wait for a result in flight. */
    private int chunk(Sequence sequence) {
        int numPending = sequence.numPendingTokens;
        if (numPending > 0
                && (sequence.needsKnownTokens() || stopCheck.isFull(sequence, sequence.numTokens + numPending))) {
            return 0;
        }
        int wanted = sequence.numUnscheduledTokens();
        int threshold = config.longPrefillTokenThreshold();
        return threshold > 0 ? Math.min(wanted, threshold) : wanted;
    }

    private void order(SchedulerOutput order, Sequence sequence, int count) {
        budget.spend(count);
        sequence.schedule(order.next(), count);
        order.commit();
    }

    /**
     * Takes in what the oldest step in flight computed and tells the callers. Rows of sequences that ended or were
     * preempted meanwhile are ignored.
     */
    public void update(SchedulerOutput order, ModelRunnerOutput result) {
        numStepsInFlight--;
        long now = System.nanoTime();
        for (int i = 0; i < order.numRows(); i++) {
            ScheduledSequence row = order.row(i);
            Sequence sequence = running.inSlot(row.slot, row.sequenceId);
            if (sequence != null && sequence.numPreemptions == row.numPreemptions) {
                advance(sequence, row, result.promptLogprobs(i));
                if (row.samples) {
                    accept(sequence, result.sampledId(i), result.logprobs(i), now);
                } else if (row.params.maxTokens() == 0 && sequence.numUncomputedTokens() == 0) {
                    lifecycle.end(sequence, FinishReason.LENGTH, -1);
                }
            }
        }
        countStep(order.numScheduledTokens());
        lifecycle.updateGauges();
    }

    private void advance(Sequence sequence, ScheduledSequence row, @Nullable List<TokenLogprobs> promptLogprobs) {
        RequestGroup group = sequence.group;
        sequence.computed(row);
        // Not when it was ordered: by now all these tokens are known, and their K and V are there.
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
            lifecycle.promptDone(group);
            if (collected != null) {
                group.request.sink().promptLogprobs(collected);
            }
        }
    }

    private void accept(Sequence sequence, int token, @Nullable TokenLogprobs logprobs, long now) {
        GenerationRequest request = sequence.group.request;
        if (token == ModelRunnerOutput.INVALID_TOKEN) {
            lifecycle.fail(
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
            lifecycle.end(sequence, reason, reason == FinishReason.STOP ? stopCheck.stopTokenId(sequence) : -1);
        }
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

    public SchedulerStats stats() {
        return stats;
    }

    /** Checks that blocks are owned exactly by the live sequences; throws IllegalStateException when not. */
    public void verify() {
        lifecycle.verify();
    }
}
