package dev.quire.kernel;

import dev.quire.tensor.Tensor;
import java.util.List;

/** Matrix products with resident weights. */
public interface GemmKernels {
    /**
     * Says what {@link #load} and {@link EmbeddingKernels#load} will be given, all matrices of a model; before {@link
     * #residentBytes} and the first load. A device may keep a tiny model in another form. Without it every matrix is
     * packed as it is stored.
     */
    default void expect(List<LinearWeight> matrices) {}

    /** Takes a checkpoint's matrix into the device's layout; the host tensor may be closed afterwards. */
    Linear load(LinearWeight weight);

    /** The output projection of a model with tied embeddings: shares the table's memory. */
    Linear tied(EmbeddingTable table);

    /** Bytes that {@link #load} will keep resident for {@code weight}, for the memory plan. */
    long residentBytes(LinearWeight weight);

    /** Scratch bytes that {@link #matmul} needs beyond its operands for up to {@code maxRows} rows. */
    long scratchBytes(int maxRows, int maxInFeatures, int maxOutFeatures);

    /**
     * out[i, j] = Σₖ x[i, k] · w[j, k] + bias[j] for i in [0, numRows).
     *
     * @param out [≥ numRows, ≥ outFeatures], overwritten; row stride is its last dimension
     * @param x [≥ numRows, ≥ inFeatures]; row stride is its last dimension
     */
    void matmul(Tensor out, Tensor x, Linear weight, int numRows);
}
