package dev.quire.kernel;

import dev.quire.tensor.Arena;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Tensor;

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
