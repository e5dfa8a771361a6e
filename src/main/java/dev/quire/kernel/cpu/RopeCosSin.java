package dev.quire.kernel.cpu;

import dev.quire.kernel.RopeKernels;
import dev.quire.kernel.RopeTable;

/**
 * cos and sin of every position, scale included. Computed in chunks of positions when a chunk is first used: a table of
 * 131,072 positions would cost a second at start-up and is seldom used to its end.
 */
final class RopeCosSin implements RopeKernels.Rope {
    private static final int CHUNK_POSITIONS = 1024;

    final int maxPositions;
    /** rotaryDim / 2. */
    final int numPairs;

    final boolean interleaved;
    private final RopeTable table;
    private final float[][] cosChunks;
    private final float[][] sinChunks;

    RopeCosSin(RopeTable table, int maxPositions) {
        this.table = table;
        this.maxPositions = maxPositions;
        numPairs = table.inverseFrequencies().length;
        interleaved = table.interleaved();
        int numChunks = (maxPositions + CHUNK_POSITIONS - 1) / CHUNK_POSITIONS;
        cosChunks = new float[numChunks][];
        sinChunks = new float[numChunks][];
    }

    /**
     * Computes the chunks of these positions where they are missing; on the calling thread, before the rows are spread.
     *
     * @throws IllegalStateException when a position is beyond the table
     */
    void prepare(int[] positions, int numRows) {
        for (int i = 0; i < numRows; i++) {
            int position = positions[i];
            if (position < 0 || position >= maxPositions) {
                throw new IllegalStateException("position " + position + " of a table of " + maxPositions);
            }
            if (cosChunks[position / CHUNK_POSITIONS] == null) {
                compute(position / CHUNK_POSITIONS);
            }
        }
    }

    private void compute(int chunk) {
        int first = chunk * CHUNK_POSITIONS;
        int count = Math.min(CHUNK_POSITIONS, maxPositions - first);
        float[] cos = new float[count * numPairs];
        float[] sin = new float[count * numPairs];
        for (int p = 0; p < count; p++) {
            float scale = table.scaleAt(first + p);
            for (int i = 0; i < numPairs; i++) {
                // The angle is rounded to float as Hugging Face does; at position 100,000 that is visible.
                float angle = (first + p) * table.inverseFrequencies()[i];
                cos[p * numPairs + i] = (float) Math.cos(angle) * scale;
                sin[p * numPairs + i] = (float) Math.sin(angle) * scale;
            }
        }
        cosChunks[chunk] = cos;
        sinChunks[chunk] = sin;
    }

    /** The array that holds {@code position}'s cosines from {@link #offset}. */
    float[] cos(int position) {
        return cosChunks[position / CHUNK_POSITIONS];
    }

    float[] sin(int position) {
        return sinChunks[position / CHUNK_POSITIONS];
    }

    int offset(int position) {
        return position % CHUNK_POSITIONS * numPairs;
    }
}
