package dev.quire.kernel;

import dev.quire.kernel.RopeKernels.Rope;
import dev.quire.tensor.Arena;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * One device's kernels and memory; chosen once at start-up, with a logged reason.
 *
 * <p>Kernels run in the order of the calls. Every kernel takes the number of rows that are in use: buffers are sized
 * once for the largest step and never reallocated. A kernel reads and writes no row beyond that number.
 */
public interface Backend extends AutoCloseable {
    /** Short name: {@code cpu}, {@code cuda}. */
    String name();

    /** One line for the log: device, instruction sets, threads, libraries in use. */
    String description();

    /** Type of activations between kernels: {@link DType#F32} on the CPU. */
    DType activationType();

    /** Type of the residual stream: where sums over all layers gather, F32 costs little and keeps small terms. */
    default DType residualType() {
        return activationType();
    }

    /**
     * Rows that buffers of activations need for steps of up to {@code numRows}: kernels may compute, and write, whole tiles
     * of rows up to this number. What is in the rows beyond the step's own means nothing.
     */
    default int paddedRows(int numRows) {
        return numRows;
    }

    /** Bytes this backend may still allocate, now. */
    long availableBytes();

    Arena newArena();

    /** Copies a checkpoint's tensor to the device, converting floats to {@code target}'s type; shapes must agree. */
    void upload(HostTensor source, Tensor target);

    NormKernels norm();

    RopeKernels rope();

    GemmKernels gemm();

    ActivationKernels activation();

    EmbeddingKernels embedding();

    KvCacheKernels kvCache();

    AttentionKernels attention();

    SamplingKernels sampling();

    /** Share of the memory left beside weights and activations that an automatic KV cache takes; 0: the caller decides. */
    default double kvCacheShare() {
        return 0;
    }

    /** Call it once on each thread that calls kernels. */
    default void bindThread() {}

    /**
     * Sizes of the largest step.
     *
     * @param maxNumTokens rows
     * @param maxNumSeqs sequences, and rows of logits
     * @param maxBlocksPerSeq KV blocks of one sequence
     * @param vocabSize columns of logits
     */
    record StepLimits(int maxNumTokens, int maxNumSeqs, int maxBlocksPerSeq, int vocabSize) {}

    /** Bytes that {@link #reserveSteps} will take, for the memory plan. */
    default long stepBytes(StepLimits limits) {
        return 0;
    }

    /** Takes what steps need beside the model's own buffers; after the model is loaded, before the first step. */
    default void reserveSteps(StepLimits limits) {}

    /**
     * Takes a step's inputs to the device. Kernels that are given these arrays until the next call read what they held now.
     *
     * @param logitRows rows whose logits will be asked, {@code numLogitRows} of them
     */
    default void beginStep(int[] tokenIds, AttentionMetadata metadata, int[] logitRows, int numLogitRows) {}

    /** For steps that repeat; null when a step's launches cost nothing worth saving. */
    default @Nullable StepGraphs graphs() {
        return null;
    }

    /**
     * Rotates q in place and writes rotated K, and V, of each row to its slot: {@link RopeKernels#rotate} of q and k, then
     * {@link KvCacheKernels#write}, which a device may do in one. K in {@code qkv} means nothing afterwards.
     *
     * @param qkv packed projection: numHeads heads of q, then k, then v
     * @param rope null for a layer without positions, which rotates nothing
     * @param metadata {@code positions} and {@code slotMapping} of the rows
     */
    default void rotateAndWrite(
            PagedKvCache cache, int layer, Tensor qkv, int numHeads, @Nullable Rope rope, AttentionMetadata metadata) {
        int headDim = cache.headDim();
        int rotated = numHeads + cache.numKvHeads();
        if (rope != null) {
            rope().rotate(qkv, 0, rotated, headDim, rope, metadata.positions, metadata.numTokens);
        }
        kvCache().write(cache, layer, qkv, numHeads * headDim, rotated * headDim, metadata);
    }

    /**
     * Makes ready what is slow at first, such as code not compiled yet, and takes it into use; changes no result. Call it
     * on a thread of its own, after the weights are loaded; steps may run beside it. Returns when done.
     */
    default void prepare() {}

    /**
     * Chooses among kernels for the loaded weights, by measuring where it must, and says so in one line for the log; empty
     * when there was nothing to choose. Call it once, after the last load and before the first step; after
     * {@link #prepare} where the weights are large.
     */
    default String chooseProducts() {
        return "";
    }

    /**
     * Steps that may be enqueued before the first of them is awaited: 1 when every kernel is done when its call returns,
     * 2 for a device that computes beside the host. With 2, a token id −(slot + 1) stands for the last token that {@link
     * #sampling} drew in that slot, and {@link SamplingKernels#sample} fills its result later: see {@link #awaitStep}.
     */
    default int maxStepsInFlight() {
        return 1;
    }

    /** Marks the end of what was enqueued so far: one step. */
    default long recordStep() {
        return 0;
    }

    /** Waits for a mark of {@link #recordStep}; what was sampled before it is there then. Once a mark, in their order. */
    default void awaitStep(long step) {}

    /** Waits until all kernels called so far are done. */
    void synchronize();

    @Override
    void close();
}
