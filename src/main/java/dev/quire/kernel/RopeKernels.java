package dev.quire.kernel;

import dev.quire.tensor.Tensor;

/** Rotary position embedding (Su et al., 2021). */
public interface RopeKernels {
    /** Prepares cos and sin for positions [0, maxPositions). */
    Rope load(RopeTable table, int maxPositions);

    /**
     * Rotates numHeads consecutive heads in place, from {@code column} of each row; dimensions beyond rotaryDim pass
     * through. q and k lie side by side in the packed projection, so one call with numHeads + numKvHeads rotates both.
     *
     * @param positions token positions of the rows
     */
    void rotate(Tensor x, int column, int numHeads, int headDim, Rope rope, int[] positions, int numRows);

    /** Device-resident table. */
    interface Rope {}
}
