package dev.quire.engine;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.SchedulerOutput;
import dev.quire.kvcache.KvCacheManager;
import dev.quire.queue.EngineCommand;
import dev.quire.queue.RequestQueue;
import dev.quire.request.GenerationRequest;
import dev.quire.runner.StepRunner;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.SchedulerConfig;
import dev.quire.scheduler.SchedulerStats;
import dev.quire.scheduler.SequenceListener;

/**
 * The loop's body: drain the queue, schedule, run, update. Every method but the accessors belongs to the engine thread.
 */
final class Engine implements SequenceListener {
    private final RequestQueue queue;
    private final Scheduler scheduler;
    private final StepRunner runner;
    private final SchedulerOutput order;
    private final ModelRunnerOutput output;

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
        order = new SchedulerOutput(config.maxNumSeqs());
        output = new ModelRunnerOutput(config.maxNumSeqs());
    }

    /** One step; false when there was nothing to compute. */
    boolean step() {
        drain();
        if (!scheduler.hasWork()) {
            return false;
        }
        scheduler.schedule(order);
        runner.run(order, output);
        scheduler.update(order, output);
        return true;
    }

    /** Takes in what callers asked since the last step. */
    void drain() {
        queue.drain(this::accept);
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
        return !scheduler.hasWork() && queue.isEmpty();
    }

    /** For tests: throws when a block is leaked or owned twice. */
    void verify() {
        scheduler.verify();
    }

    void closeRunner() {
        runner.close();
    }

    SchedulerStats stats() {
        return scheduler.stats();
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
