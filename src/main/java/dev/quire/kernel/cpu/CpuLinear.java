package dev.quire.kernel.cpu;

import dev.quire.kernel.Linear;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Packed matrices of the same inFeatures, one below the other, and a bias for all of them. */
final class CpuLinear implements Linear {
    /** Panels that a thread takes at a time, at most: they share a visit of the activations. */
    static final int MAX_BLOCK_PANELS = 8;

    final List<PackedMatrix> parts;
    final float @Nullable [] bias;
    private final int outFeatures;
    private final int inFeatures;

    // Block b is panels [blockPanel[b], + blockPanels[b]) of parts[blockPart[b]]; its first output is blockOutput[b].
    private final int[] blockPart;
    private final int[] blockPanel;
    private final int[] blockPanels;
    private final int[] blockOutput;

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
        // Four at least: as many as the one-row kernels take at once.
        int size = Math.max(4, Math.min(MAX_BLOCK_PANELS, numPanels / (4 * numThreads)));
        List<int[]> blocks = new ArrayList<>();
        int output = 0;
        for (int p = 0; p < parts.size(); p++) {
            PackedMatrix part = parts.get(p);
            for (int panel = 0; panel < part.numPanels; ) {
                // Not across the border of two arrays.
                int inArray = part.panelsPerArray - panel % part.panelsPerArray;
                int count = Math.min(Math.min(size, inArray), part.numPanels - panel);
                blocks.add(new int[] {p, panel, count, output + panel * PackedMatrix.PANEL_ROWS});
                panel += count;
            }
            output += part.rows;
        }
        blockPart = blocks.stream().mapToInt(block -> block[0]).toArray();
        blockPanel = blocks.stream().mapToInt(block -> block[1]).toArray();
        blockPanels = blocks.stream().mapToInt(block -> block[2]).toArray();
        blockOutput = blocks.stream().mapToInt(block -> block[3]).toArray();
    }

    int numBlocks() {
        return blockPart.length;
    }

    PackedMatrix blockMatrix(int block) {
        return parts.get(blockPart[block]);
    }

    int blockPanel(int block) {
        return blockPanel[block];
    }

    int blockPanels(int block) {
        return blockPanels[block];
    }

    int blockOutput(int block) {
        return blockOutput[block];
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
