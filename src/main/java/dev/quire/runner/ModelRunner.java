package dev.quire.runner;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.SchedulerOutput;
import dev.quire.kernel.Backend;
import dev.quire.kernel.Backend.StepLimits;
import dev.quire.kernel.PagedKvCache;
import dev.quire.kernel.StepGraphs;
import dev.quire.model.CausalLm;
import dev.quire.sampling.Sampler;
import org.jspecify.annotations.Nullable;

/**
 * Runs a model on one device: order → input batch → logits → sampled ids. {@link #submit} enqueues all of it; only
 * {@link #collect} waits, and only for its own step.
 */
public final class ModelRunner implements StepRunner {
    private final Backend backend;
    private final CausalLm model;
    private final PagedKvCache kvCache;
    private final InputBatch input;
    private final PromptLogprobsReader promptLogprobs;
    private final @Nullable GraphRunner graphs;
    /** A ring: the step submitted k-th lies at k mod length. */
    private final InFlightStep[] steps;

    /** The boot thread for the warm-up, then the engine's. */
    private @Nullable Thread boundThread;

    private long numSubmitted;
    private long numCollected;

    /**
     * @param maxNumSeqs rows of an order at most
     * @param maxNumTokens tokens of an order at most
     */
    public ModelRunner(
            Backend backend, CausalLm model, PagedKvCache kvCache, int maxNumSeqs, int maxNumTokens, int maxModelLen) {
        this.backend = backend;
        this.model = model;
        this.kvCache = kvCache;
        int maxBlocks = (maxModelLen + kvCache.blockSize() - 1) / kvCache.blockSize();
        StepLimits limits = limits(backend, maxNumSeqs, maxNumTokens, maxBlocks, model.vocabSize());
        input = new InputBatch(limits.maxNumSeqs(), limits.maxNumTokens(), maxModelLen, kvCache.blockSize());
        backend.reserveSteps(limits);
        StepGraphs replayed = backend.graphs();
        graphs = replayed == null ? null : new GraphRunner(backend, replayed, model, kvCache, input);
        promptLogprobs = new PromptLogprobsReader(backend, model, Math.min(maxNumSeqs, maxNumTokens));
        steps = new InFlightStep[backend.maxStepsInFlight()];
        for (int i = 0; i < steps.length; i++) {
            steps[i] = new InFlightStep(new Sampler(backend.sampling(), maxNumSeqs, model.vocabSize()));
        }
    }

    /** The largest step for these sizes, for the memory plan too. */
    public static StepLimits limits(
            Backend backend, int maxNumSeqs, int maxNumTokens, int maxBlocksPerSeq, int vocabSize) {
        int rows = backend.paddedRows(Math.max(maxNumTokens, maxNumSeqs));
        return new StepLimits(rows, backend.paddedRows(maxNumSeqs), maxBlocksPerSeq, vocabSize);
    }

    @Override
    public int maxStepsInFlight() {
        return steps.length;
    }

    @Override
    public void submit(SchedulerOutput order, ModelRunnerOutput output) {
        if (numSubmitted - numCollected == steps.length) {
            throw new IllegalStateException("more than " + steps.length + " steps in flight");
        }
        bindThread();
        InFlightStep step = step(numSubmitted);
        numSubmitted++;
        step.begin(order, output);
        input.fill(order);
        if (graphs != null && graphs.fits()) {
            promptLogprobs.clear(order, output);
            step.sample(graphs.run());
        } else {
            compute(order, output, step);
        }
        step.submitted(backend.recordStep());
    }

    private void compute(SchedulerOutput order, ModelRunnerOutput output, InFlightStep step) {
        backend.beginStep(input.tokenIds, input.metadata, input.logitRows, input.numLogitRows);
        model.forward(input.tokenIds, input.metadata, kvCache);
        promptLogprobs.read(order, output);
        if (input.numLogitRows > 0) {
            step.sample(model.logits(input.logitRows, input.numLogitRows));
        }
    }

    private void bindThread() {
        if (boundThread != Thread.currentThread()) {
            backend.bindThread();
            boundThread = Thread.currentThread();
        }
    }

    @Override
    public void collect() {
        if (numSubmitted == numCollected) {
            throw new IllegalStateException("no step in flight");
        }
        InFlightStep step = step(numCollected);
        numCollected++;
        backend.awaitStep(step.mark());
        step.deliver();
    }

    private InFlightStep step(long number) {
        return steps[(int) (number % steps.length)];
    }

    @Override
    public void close() {
        try {
            // Abandoned steps may still read the weights and write the cache.
            if (numSubmitted != numCollected) {
                backend.synchronize();
            }
        } finally {
            kvCache.close();
            model.close();
            backend.close();
        }
    }
}
