package dev.quire.boot;

import dev.quire.engine.EngineConfig;
import dev.quire.engine.EngineConfig.Policy;
import dev.quire.kernel.Backend;
import dev.quire.model.ModelConfig;
import dev.quire.runner.MemoryPlan;
import dev.quire.tensor.DType;
import java.util.Locale;

/** Resolves what the user left open: batch, context and KV cache, from the model and the device. */
final class EngineSizes {
    private static final int MAX_NUM_SEQS = 64;
    /** Tokens of one step: more would make running streams wait longer for each other than a reader likes. */
    private static final int MAX_NUM_BATCHED_TOKENS = 512;

    /** A GPU reads its weights once for all of them. */
    private static final int MAX_NUM_SEQS_GPU = 512;

    private static final int MAX_NUM_BATCHED_TOKENS_GPU = 8192;

    private static final int MAX_NUM_QUEUED_REQS = 1024;
    private static final long MIN_QUEUED_TOKENS = 1L << 20;
    /** An automatic KV cache is as large as the weights, within these bounds. */
    private static final long MIN_KV_BYTES = 1L << 30;

    private static final long MAX_KV_BYTES = 4L << 30;
    private static final double MAX_KV_SHARE = 0.5;

    final int maxNumSeqs;
    final int maxNumBatchedTokens;
    private final EngineOptions options;
    private final ModelConfig model;

    /** @param gpu whether the device is one */
    EngineSizes(EngineOptions options, ModelConfig model, boolean gpu) {
        this.options = options;
        this.model = model;
        int tokens = gpu ? MAX_NUM_BATCHED_TOKENS_GPU : MAX_NUM_BATCHED_TOKENS;
        maxNumSeqs = options.maxNumSeqs().orElse(gpu ? MAX_NUM_SEQS_GPU : MAX_NUM_SEQS);
        maxNumBatchedTokens = options.maxNumBatchedTokens().orElse(Math.max(tokens, maxNumSeqs));
        if (maxNumBatchedTokens < maxNumSeqs) {
            throw new StartupException("--max-num-batched-tokens " + maxNumBatchedTokens
                    + " is less than --max-num-seqs " + maxNumSeqs + ": a step could not give each sequence a token");
        }
        if (maxModelLen() > model.maxPositions()) {
            throw new StartupException("--max-model-len " + maxModelLen() + " is more than the " + model.maxPositions()
                    + " positions of the model");
        }
    }

    private boolean isMaxModelLenAsked() {
        return options.maxModelLen().orElse(-1) != -1;
    }

    /** Before the plan, which may shrink it. */
    int maxModelLen() {
        return isMaxModelLenAsked() ? options.maxModelLen().getAsInt() : model.maxPositions();
    }

    /** Decides on the KV cache. */
    MemoryPlan plan(Backend backend, DType kvType, long weightBytes, long scratchBytes) {
        long available = backend.availableBytes();
        long blockBytes = backend.kvCache()
                .blockBytes(model.numLayers(), model.numKvHeads(), model.headDim(), options.blockSize(), kvType);
        long left = Math.max(1, available - weightBytes - scratchBytes);
        double wanted = Math.max(MIN_KV_BYTES, Math.min(weightBytes, MAX_KV_BYTES));
        long asked = options.numBlocks().isPresent()
                ? options.numBlocks().getAsInt() * blockBytes
                : options.kvCacheMemoryBytes().orElse(0);
        return MemoryPlan.of(new MemoryPlan.Demand(
                backend.name(),
                available,
                weightBytes,
                scratchBytes,
                blockBytes,
                options.blockSize(),
                maxModelLen(),
                isMaxModelLenAsked(),
                maxNumSeqs,
                asked,
                backend.kvCacheShare() > 0 ? backend.kvCacheShare() : Math.min(MAX_KV_SHARE, wanted / left)));
    }

    EngineConfig engineConfig(MemoryPlan plan) {
        return new EngineConfig(
                plan.maxModelLen(),
                maxNumSeqs,
                maxNumBatchedTokens,
                plan.blockSize(),
                plan.numBlocks(),
                options.enablePrefixCaching(),
                options.longPrefillTokenThreshold(),
                Policy.valueOf(options.schedulingPolicy().toUpperCase(Locale.ROOT)),
                options.maxNumQueuedReqs().orElse(Math.max(MAX_NUM_QUEUED_REQS, 4 * maxNumSeqs)),
                options.maxNumQueuedTokens().orElse(Math.max(MIN_QUEUED_TOKENS, 4L * plan.maxModelLen())),
                options.seed());
    }
}
