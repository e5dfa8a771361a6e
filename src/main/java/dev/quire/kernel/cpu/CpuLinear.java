package dev.quire.kernel.cpu;

import dev.quire.kernel.Linear;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Packed matrices of the same inFeatures, one below the other, and a bias for all of them. */
final class CpuLinear implements Linear {
    /** Rows that a thread takes at a time: whole tiles of {@link DotTile#ROWS} and whole vectors of outputs. */
    static final int BLOCK_ROWS = DotTile.ROWS * Lanes.COUNT;

    final List<PackedMatrix> parts;
    final float @Nullable [] bias;
    private final int outFeatures;
    private final int inFeatures;

    // Block b is rows [blockRow[b], …) of parts[blockPart[b]], whose first output is blockOutput[b].
    private final int[] blockPart;
    private final int[] blockRow;
    private final int[] blockOutput;

    CpuLinear(List<PackedMatrix> parts, float @Nullable [] bias) {
        this.parts = List.copyOf(parts);
        this.bias = bias;
        inFeatures = parts.get(0).cols;
        int numBlocks = 0;
        int numOutputs = 0;
        for (PackedMatrix part : parts) {
            if (part.cols != inFeatures) {
                throw new IllegalStateException("stacked matrices of " + inFeatures + " and " + part.cols + " inputs");
            }
            numBlocks += (part.rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
            numOutputs += part.rows;
        }
        outFeatures = numOutputs;
        blockPart = new int[numBlocks];
        blockRow = new int[numBlocks];
        blockOutput = new int[numBlocks];
        int block = 0;
        int output = 0;
        for (int p = 0; p < parts.size(); p++) {
            for (int row = 0; row < parts.get(p).rows; row += BLOCK_ROWS) {
                blockPart[block] = p;
                blockRow[block] = row;
                blockOutput[block++] = output + row;
            }
            output += parts.get(p).rows;
        }
    }

    int numBlocks() {
        return blockPart.length;
    }

    PackedMatrix blockMatrix(int block) {
        return parts.get(blockPart[block]);
    }

    int blockRow(int block) {
        return blockRow[block];
    }

    int blockOutput(int block) {
        return blockOutput[block];
    }

    int paddedCols() {
        int padded = 0;
        for (PackedMatrix part : parts) {
            padded = Math.max(padded, part.paddedCols);
        }
        return padded;
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
