package dev.quire.engine;

import dev.quire.kvcache.KvCacheManager;
import dev.quire.queue.EngineCommand;
import dev.quire.queue.RequestQueue;
import dev.quire.request.GenerationRequest;
import dev.quire.runner.StepRunner;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.SchedulerConfig;
import dev.quire.scheduler.SchedulerStats;
import dev.quire.scheduler.SequenceListener;
import java.util.function.Consumer;

/**
 * The loop's body: drain the queue, schedule and submit the next step, collect the oldest and update. Where the runner
 * takes two steps, the next one is on its way before the results of the one before are read, so the device never waits
 * for the host. Every method but the accessors belongs to the engine thread.
 */
@SuppressWarnings("NonAtomicOperationOnVolatileField")
final class Engine implements SequenceListener {
    private final RequestQueue queue;
    private final Scheduler scheduler;
    private final StepRunner runner;
    private final StepPipeline steps;
    private final Consumer<EngineCommand> accept = this::accept;
    /** Written by the engine thread alone. */
    private volatile long hostNanos;

    Engine(EngineConfig config, StepRunner runner, RequestQueue queue, long hashSeed) {
        this.queue = queue;
        this.runner = runner;
        KvCacheManager kvCache =
                new KvCacheManager(config.numBlocks(), config.blockSize(), config.enablePrefixCaching(), hashSeed);
        scheduler = new Scheduler(
                new SchedulerConfig(
                        config.maxModelLen(),
                        config.maxNumSeqs(),
                        config.maxNumBatchedTokens(),
                        config.longPrefillTokenThreshold(),
                        config.policy() == EngineConfig.Policy.PRIORITY,
                        config.seed()),
                kvCache,
                this);
        steps = new StepPipeline(runner, config.maxNumSeqs());
    }

    /** Submits a step, collects one, or both; false when there was nothing to do. */
    boolean step() {
        long start = System.nanoTime();
        drain();
        boolean submitted = scheduler.hasWork() && steps.submit(scheduler);
        boolean collects = steps.isFull() || !submitted && !steps.isEmpty();
        long waited = collects ? steps.collect(scheduler) : 0;
        if (submitted || collects) {
            hostNanos += System.nanoTime() - start - waited;
        }
        return submitted || collects;
    }

    /** Takes in what callers asked since the last step. */
    void drain() {
        queue.drain(accept);
    }

    private void accept(EngineCommand command) {
        if (command instanceof EngineCommand.Submit submit) {
            scheduler.add(submit.request());
        } else if (command instanceof EngineCommand.Abort abort) {
            scheduler.abort(abort.request());
        } else if (command instanceof EngineCommand.Finish finish) {
            scheduler.finish(finish.request(), finish.index());
        }
    }

    /** Fails everything queued or running. */
    void failAll(String cause) {
        drain();
        scheduler.failAll(cause);
    }

    boolean isIdle() {
        return !scheduler.hasWork() && steps.isEmpty() && queue.isEmpty();
    }

    /** For tests: throws when a block is leaked or owned twice. */
    void verify() {
        scheduler.verify();
    }

    /** Steps still in flight are abandoned: nobody waits for their results any more. */
    void closeRunner() {
        runner.close();
    }

    SchedulerStats stats() {
        return scheduler.stats();
    }

    /** Counter of the nanoseconds spent in {@link #step} other than waiting for the device. */
    long hostNanos() {
        return hostNanos;
    }

    @Override
    public void promptDone(GenerationRequest request) {
        queue.releasePromptTokens(request.prompt().length());
    }

    @Override
    public void sequenceEnded(GenerationRequest request) {
        queue.releaseSequence();
    }
}
