package dev.quire.kernel.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Unsigned 8- or 4-bit integers with a scale for each group of columns, w = (q - zeroPoint) · scale, computed as
 * q · scale + (-zeroPoint · scale): the second product is exact for scales of 16-bit types, so the fused multiply-add
 * rounds once. Lane l of a block's words holds columns l, L + l, 2L + l, …, lowest bits first.
 */
final class GroupMatrix extends PackedMatrix {
    private static final VectorSpecies<Float> F = Lanes.F;
    private static final VectorSpecies<Integer> I = Lanes.I;
    private static final int L = Lanes.COUNT;

    final int numBits;
    final boolean symmetric;
    /** Columns that share a scale; a multiple of L, and of a block or a part of one. */
    final int groupCols;
    /** Scales of one block, 1 when a group spans blocks. */
    final int scalesPerBlock;
    /** Blocks of one group, 1 when a block holds several groups. */
    final int blocksPerGroup;
    /** Scales of one row. */
    final int rowGroups;

    final int[][] words;
    final float[][] scales;
    /** Unsigned; empty when symmetric, which is 2^(numBits - 1) everywhere. */
    final byte[][] zeroPoints;

    /** @param groupSize must satisfy {@link #supports} */
    GroupMatrix(int rows, int cols, int numBits, int groupSize, boolean symmetric) {
        super(rows, cols, blockCols(numBits), 32 / numBits);
        this.numBits = numBits;
        this.symmetric = symmetric;
        int block = blockCols(numBits);
        groupCols = groupSize >= cols ? paddedCols : groupSize;
        scalesPerBlock = Math.max(1, block / groupCols);
        blocksPerGroup = Math.max(1, groupCols / block);
        rowGroups = rowGroups(cols, numBits, groupSize);
        words = newWords();
        scales = new float[numArrays()][];
        zeroPoints = new byte[numArrays()][];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = new float[Math.multiplyExact(arrayRows(i), rowGroups)];
            zeroPoints[i] = new byte[symmetric ? 0 : scales[i].length];
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
    static long numBytes(int rows, int cols, int numBits, int groupSize, boolean symmetric) {
        long padded = Lanes.roundUp(cols, blockCols(numBits));
        return rows * (padded * numBits / 8 + (symmetric ? 4L : 5L) * rowGroups(cols, numBits, groupSize));
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
        return numBytes(rows, cols, numBits, groupCols, symmetric);
    }

    private int offset(int row) {
        return row % rowsPerArray * rowWords;
    }

    private int scaleOffset(int row) {
        return row % rowsPerArray * rowGroups;
    }

    /** Stores a row of unsigned integers, packed little end first as the checkpoint has them. */
    void pack(int row, int[] src, int srcOffset) {
        int[] dst = words[row / rowsPerArray];
        int perWord = 32 / numBits;
        int mask = (1 << numBits) - 1;
        int block = blockCols();
        for (int col = 0; col < cols; col += block) {
            int word = offset(row) + col / perWord;
            for (int i = 0; i < Math.min(block, cols - col); i++) {
                int q = src[srcOffset + (col + i) / perWord] >>> (i % perWord * numBits) & mask;
                dst[word + i % L] |= q << (i / L * numBits);
            }
        }
    }

    void setScale(int row, int group, float scale, int zeroPoint) {
        int at = scaleOffset(row) + group;
        scales[row / rowsPerArray][at] = scale;
        if (!symmetric) {
            zeroPoints[row / rowsPerArray][at] = (byte) zeroPoint;
        }
    }

    @Override
    void unpack(int row, int col, int count, float[] dst, int dstOffset) {
        int array = row / rowsPerArray;
        int block = blockCols();
        for (int done = 0; done < count; ) {
            // To the end of the group, or one block of several groups.
            int firstBlock = (col + done) / block;
            int run = Math.min(count - done, (blocksPerGroup - firstBlock % blocksPerGroup) * block);
            int group = scaleOffset(row) + firstBlock / blocksPerGroup * scalesPerBlock;
            int src = offset(row) + (col + done) * numBits / 32;
            for (int s = 0; s < scalesPerBlock; s++) {
                float scale = scales[array][group + s];
                float bias = -scale * zeroPoint(array, group + s);
                if (numBits == 8) {
                    unpack8(words[array], src, scale, bias, s, run, dst, dstOffset + done);
                } else {
                    unpack4(words[array], src, scale, bias, s, run, dst, dstOffset + done);
                }
            }
            done += run;
        }
    }

    private int zeroPoint(int array, int group) {
        return symmetric ? 1 << numBits - 1 : zeroPoints[array][group] & 0xff;
    }

    /** Vectors of part {@code part} of scalesPerBlock of each block. */
    private void unpack8(int[] src, int from, float scale, float bias, int part, int count, float[] dst, int to) {
        int vectors = 4 / scalesPerBlock;
        FloatVector factor = FloatVector.broadcast(F, scale);
        FloatVector addend = FloatVector.broadcast(F, bias);
        for (int i = 0; i < count / 4; i += L) {
            IntVector word = IntVector.fromArray(I, src, from + i);
            for (int j = part * vectors; j < (part + 1) * vectors; j++) {
                IntVector q = word.lanewise(VectorOperators.LSHR, 8 * j).and(0xff);
                FloatVector value = (FloatVector) q.convert(VectorOperators.I2F, 0);
                value.fma(factor, addend).intoArray(dst, to + 4 * i + j * L);
            }
        }
    }

    private void unpack4(int[] src, int from, float scale, float bias, int part, int count, float[] dst, int to) {
        int vectors = 8 / scalesPerBlock;
        FloatVector factor = FloatVector.broadcast(F, scale);
        FloatVector addend = FloatVector.broadcast(F, bias);
        for (int i = 0; i < count / 8; i += L) {
            IntVector word = IntVector.fromArray(I, src, from + i);
            for (int j = part * vectors; j < (part + 1) * vectors; j++) {
                IntVector q = word.lanewise(VectorOperators.LSHR, 4 * j).and(15);
                FloatVector value = (FloatVector) q.convert(VectorOperators.I2F, 0);
                value.fma(factor, addend).intoArray(dst, to + 8 * i + j * L);
            }
        }
    }
}
