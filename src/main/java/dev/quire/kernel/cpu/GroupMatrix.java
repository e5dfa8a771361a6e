package dev.quire.kernel.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Unsigned 8- or 4-bit integers with a scale for each group of columns, w = q · scale + bias, bias = -zeroPoint · scale
 * (exact in f32 for scales of 16-bit types, so the one rounding is the fused multiply-add's). Lane l of a block's words
 * holds columns l, L + l, 2L + l, …, lowest bits first.
 */
final class GroupMatrix extends PackedMatrix {
    private static final VectorSpecies<Float> F = Lanes.F;
    private static final VectorSpecies<Integer> I = Lanes.I;
    private static final int L = Lanes.COUNT;

    final int numBits;
    /** Columns that share a scale; a multiple of L, and of a block or a part of one. */
    final int groupCols;
    /** Scales of one block, 1 when a group spans blocks. */
    final int scalesPerBlock;
    /** Blocks of one group, 1 when a block holds several groups. */
    final int blocksPerGroup;
    /** Vectors of a block that share a scale, as a shift: vector j uses scale j >> vectorShift. */
    final int vectorShift;
    /** Scales of one row. */
    final int rowGroups;

    final int[][] words;
    final float[][] scales;
    final float[][] biases;

    /** @param groupSize must satisfy {@link #supports} */
    GroupMatrix(int rows, int cols, int numBits, int groupSize) {
        super(rows, cols, blockCols(numBits), 32 / numBits);
        this.numBits = numBits;
        int block = blockCols(numBits);
        groupCols = groupSize >= cols ? paddedCols : groupSize;
        scalesPerBlock = Math.max(1, block / groupCols);
        blocksPerGroup = Math.max(1, groupCols / block);
        vectorShift = Integer.numberOfTrailingZeros(block / L / scalesPerBlock);
        rowGroups = rowGroups(cols, numBits, groupSize);
        words = newWords();
        scales = new float[numArrays()][];
        biases = new float[numArrays()][];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = new float[Math.multiplyExact(arrayRows(i), rowGroups)];
            biases[i] = new float[scales[i].length];
        }
    }

    static int blockCols(int numBits) {
        return 32 / numBits * L;
    }

    private static int rowGroups(int cols, int numBits, int groupSize) {
        int padded = Lanes.roundUp(cols, blockCols(numBits));
        return groupSize >= cols ? 1 : (padded + groupSize - 1) / groupSize;
    }

    /** Bytes that a matrix of this shape keeps. */
    static long numBytes(int rows, int cols, int numBits, int groupSize) {
        long padded = Lanes.roundUp(cols, blockCols(numBits));
        return rows * (padded * numBits / 8 + 8L * rowGroups(cols, numBits, groupSize));
    }

    /** Whether the vector kernels can take this group size: one scale a row, or groups aligned with vectors and blocks. */
    static boolean supports(int cols, int numBits, int groupSize) {
        int block = blockCols(numBits);
        return groupSize >= cols || (groupSize % block == 0) || (groupSize % L == 0 && block % groupSize == 0);
    }

    @Override
    int blockCols() {
        return blockCols(numBits);
    }

    @Override
    long numBytes() {
        return numBytes(rows, cols, numBits, groupCols);
    }

    int[] array(int row) {
        return words[row / rowsPerArray];
    }

    int offset(int row) {
        return row % rowsPerArray * rowWords;
    }

    int scaleOffset(int row) {
        return row % rowsPerArray * rowGroups;
    }

    /** Stores a row of unsigned integers, packed little end first as the checkpoint has them. */
    void pack(int row, int[] src, int srcOffset) {
        int[] dst = array(row);
        int at = offset(row);
        int perWord = 32 / numBits;
        int mask = (1 << numBits) - 1;
        for (int col = 0; col < cols; col++) {
            int q = src[srcOffset + col / perWord] >>> (col % perWord * numBits) & mask;
            dst[at + col / (perWord * L) * L + col % L] |= q << (col / L % perWord * numBits);
        }
    }

    void setScale(int row, int group, float scale, int zeroPoint) {
        int at = scaleOffset(row) + group;
        scales[row / rowsPerArray][at] = scale;
        biases[row / rowsPerArray][at] = -zeroPoint * scale;
    }

    @Override
    void unpack(int row, int col, int count, float[] dst, int dstOffset) {
        int array = row / rowsPerArray;
        int from = offset(row) + col * numBits / 32;
        int firstBlock = col / blockCols();
        if (numBits == 8) {
            unpack8(
                    words[array],
                    from,
                    scales[array],
                    biases[array],
                    scaleOffset(row),
                    firstBlock,
                    count,
                    dst,
                    dstOffset);
        } else {
            unpack4(
                    words[array],
                    from,
                    scales[array],
                    biases[array],
                    scaleOffset(row),
                    firstBlock,
                    count,
                    dst,
                    dstOffset);
        }
    }

    private void unpack8(
            int[] src,
            int from,
            float[] scales,
            float[] biases,
            int scaleAt,
            int firstBlock,
            int count,
            float[] dst,
            int to) {
        for (int block = 0; block < count / (4 * L); block++) {
            IntVector word = IntVector.fromArray(I, src, from + block * L);
            int group = scaleAt + (firstBlock + block) * scalesPerBlock / blocksPerGroup;
            for (int j = 0; j < 4; j++) {
                FloatVector q = (FloatVector)
                        word.lanewise(VectorOperators.LSHR, 8 * j).and(0xff).convert(VectorOperators.I2F, 0);
                int g = group + (j >> vectorShift);
                q.fma(FloatVector.broadcast(F, scales[g]), FloatVector.broadcast(F, biases[g]))
                        .intoArray(dst, to + (4 * block + j) * L);
            }
        }
    }

    private void unpack4(
            int[] src,
            int from,
            float[] scales,
            float[] biases,
            int scaleAt,
            int firstBlock,
            int count,
            float[] dst,
            int to) {
        for (int block = 0; block < count / (8 * L); block++) {
            IntVector word = IntVector.fromArray(I, src, from + block * L);
            int group = scaleAt + (firstBlock + block) * scalesPerBlock / blocksPerGroup;
            for (int j = 0; j < 8; j++) {
                FloatVector q = (FloatVector)
                        word.lanewise(VectorOperators.LSHR, 4 * j).and(15).convert(VectorOperators.I2F, 0);
                int g = group + (j >> vectorShift);
                q.fma(FloatVector.broadcast(F, scales[g]), FloatVector.broadcast(F, biases[g]))
                        .intoArray(dst, to + (8 * block + j) * L);
            }
        }
    }
}
