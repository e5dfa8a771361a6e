package dev.quire.kernel.cpu;

import dev.quire.kernel.Linear;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Packed matrices of the same inFeatures, one below the other, and a bias for all of them. */
final class CpuLinear implements Linear {
    /** Panels that a thread takes at a time, at most: they share a visit of the activations. */
    static final int MAX_BLOCK_PANELS = 8;

    final List<PackedMatrix> parts;
    final float @Nullable [] bias;
    /** A library's copy, for steps of many rows; set before the first step. */
    LargeProducts.@Nullable Matrix large;

    private final int outFeatures;
    private final int inFeatures;

    /** For one or two rows, whose kernels take four panels at once. */
    private final PanelBlocks wide;
    /** For more rows: small enough that all threads end together. */
    private final PanelBlocks fine;

    /** @param numThreads blocks are made small enough to keep that many busy to the end */
    CpuLinear(List<PackedMatrix> parts, float @Nullable [] bias, int numThreads) {
        this.parts = List.copyOf(parts);
        this.bias = bias;
        inFeatures = parts.get(0).cols;
        int numPanels = 0;
        int numOutputs = 0;
        for (PackedMatrix part : parts) {
            if (part.cols != inFeatures) {
                throw new IllegalStateException("stacked matrices of " + inFeatures + " and " + part.cols + " inputs");
            }
            numPanels += part.numPanels;
            numOutputs += part.rows;
        }
        outFeatures = numOutputs;
        int size = Math.min(MAX_BLOCK_PANELS, numPanels / (4 * numThreads));
        wide = new PanelBlocks(this.parts, Math.max(4, size));
        fine = new PanelBlocks(this.parts, Math.max(1, size));
    }

    boolean isBf16() {
        return parts.stream().allMatch(part -> part instanceof HalfMatrix half && half.isBf16());
    }

    /** What to spread over the threads in a step of so many rows. */
    PanelBlocks blocks(int numRows) {
        return numRows <= 2 ? wide : fine;
    }

    @Override
    public int outFeatures() {
        return outFeatures;
    }

    @Override
    public int inFeatures() {
        return inFeatures;
    }

    @Override
    public long weightBytes() {
        return parts.stream().mapToLong(PackedMatrix::numBytes).sum();
    }
}
