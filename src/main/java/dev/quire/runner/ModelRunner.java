package dev.quire.runner;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.ScheduledSequence;
import dev.quire.batch.SchedulerOutput;
import dev.quire.kernel.Backend;
import dev.quire.kernel.PagedKvCache;
import dev.quire.kernel.SampledTokens;
import dev.quire.model.CausalLm;
import dev.quire.sampling.Sampler;

/** Runs a model on one device: order → input batch → logits → sampled ids. */
public final class ModelRunner implements StepRunner {
    private final Backend backend;
    private final CausalLm model;
    private final PagedKvCache kvCache;
    private final InputBatch input;
    private final Sampler sampler;
    private final PromptLogprobsReader promptLogprobs;

    /**
     * @param maxNumSeqs rows of an order at most
     * @param maxNumTokens tokens of an order at most
     */
    public ModelRunner(
            Backend backend, CausalLm model, PagedKvCache kvCache, int maxNumSeqs, int maxNumTokens, int maxModelLen) {
        this.backend = backend;
        this.model = model;
        this.kvCache = kvCache;
        input = new InputBatch(maxNumSeqs, maxNumTokens, maxModelLen, kvCache.blockSize());
        sampler = new Sampler(backend.sampling(), maxNumSeqs, model.vocabSize());
        promptLogprobs = new PromptLogprobsReader(model, sampler, Math.min(maxNumSeqs, maxNumTokens));
    }

    @Override
    public void run(SchedulerOutput order, ModelRunnerOutput output) {
        input.fill(order);
        model.forward(input.tokenIds, input.metadata, kvCache);
        promptLogprobs.read(order, output);
        if (input.numLogitRows > 0) {
            sample(order, output);
        }
        backend.synchronize();
    }

    private void sample(SchedulerOutput order, ModelRunnerOutput output) {
        var logits = model.logits(input.logitRows, input.numLogitRows);
        sampler.begin();
        for (int i = 0; i < input.numLogitRows; i++) {
            ScheduledSequence row = order.row(input.orderRows[i]);
            sampler.add(row.params, row.seed, row.tokens, row.numTokens, row.numPromptTokens, row.bannedIds);
        }
        SampledTokens sampled = sampler.sample(logits);
        for (int i = 0; i < input.numLogitRows; i++) {
            output.set(input.orderRows[i], sampled.ids[i], sampler.logprobs(i));
        }
    }

    @Override
    public void close() {
        kvCache.close();
        model.close();
        backend.close();
    }
}
