package dev.quire.runner;

import dev.quire.kernel.Backend;
import dev.quire.kernel.PagedKvCache;
import dev.quire.kernel.StepGraphs;
import dev.quire.model.CausalLm;
import dev.quire.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Decode steps as replayed graphs, one for each size of batch the device computes in ({@link Backend#paddedRows}): a step is padded
 * to the next of them with sequences that have no tokens.
 */
final class GraphRunner {
    private final Backend backend;
    private final CausalLm model;
    private final PagedKvCache kvCache;
    private final InputBatch input;
    private final StepGraphs graphs;
    private final Runnable work = this::compute;
    private @Nullable Tensor logits;

    GraphRunner(Backend backend, StepGraphs graphs, CausalLm model, PagedKvCache kvCache, InputBatch input) {
        this.backend = backend;
        this.model = model;
        this.kvCache = kvCache;
        this.input = input;
        this.graphs = graphs;
    }

    /** Whether the step in the input batch may be replayed: every row is the one row of a sequence that samples. */
    boolean fits() {
        return input.metadata.maxQueryLen == 1 && input.numLogitRows == input.metadata.numTokens;
    }

    /** Enqueues the step; its logits, a row for each sequence. */
    Tensor run() {
        int size = backend.paddedRows(input.metadata.numTokens);
        input.pad(size);
        backend.beginStep(input.tokenIds, input.metadata, input.logitRows, input.numLogitRows);
        graphs.run(size, work);
        Tensor result = logits;
        if (result == null) {
            throw new IllegalStateException("a graph of " + size + " rows was replayed before its work ran");
        }
        return result;
    }

    private void compute() {
        model.forward(input.tokenIds, input.metadata, kvCache);
        logits = model.logits(input.logitRows, input.numLogitRows);
    }
}
