package dev.quire.kernel;

import dev.quire.tensor.FloatBits;
import dev.quire.tensor.HostTensor;

/** Some rows of a group-quantized checkpoint matrix, element by element. */
public final class GroupReader {
    private final LinearWeight.GroupQuantized weight;
    private final int firstRow;
    private final int rowWords;
    private final int numGroups;
    private final int[] words;
    private final float[] scales;
    /** Empty when symmetric. */
    private final int[] zeroWords;

    private final int firstZeroRow;

    /** Copies {@code numRows} rows from {@code firstRow} out of the checkpoint. */
    public GroupReader(LinearWeight.GroupQuantized weight, int firstRow, int numRows) {
        this.weight = weight;
        this.firstRow = firstRow;
        int perWord = 32 / weight.numBits();
        rowWords = (weight.inFeatures() + perWord - 1) / perWord;
        numGroups = (weight.inFeatures() + weight.groupSize() - 1) / weight.groupSize();
        words = new int[Math.multiplyExact(numRows, rowWords)];
        weight.packed().copyTo((long) firstRow * rowWords, words, 0, words.length);
        scales = new float[numRows * numGroups];
        weight.scale().copyTo((long) firstRow * numGroups, scales, 0, scales.length);
        HostTensor zeroPoint = weight.zeroPoint();
        firstZeroRow = firstRow / perWord;
        if (zeroPoint == null) {
            zeroWords = new int[0];
        } else {
            int zeroRows = (firstRow + numRows + perWord - 1) / perWord - firstZeroRow;
            zeroWords = new int[zeroRows * numGroups];
            zeroPoint.copyTo((long) firstZeroRow * numGroups, zeroWords, 0, zeroWords.length);
        }
    }

    /** The stored integer, 0 to 2^numBits - 1. */
    public int unsigned(int row, int col) {
        int perWord = 32 / weight.numBits();
        return integer(words[(row - firstRow) * rowWords + col / perWord], col % perWord);
    }

    /** Of one row and group. */
    public float scale(int row, int group) {
        return scales[(row - firstRow) * numGroups + group];
    }

    /** With the same offset as the elements: 2^(numBits-1) when symmetric. */
    public int zeroPoint(int row, int group) {
        if (zeroWords.length == 0) {
            return 1 << weight.numBits() - 1;
        }
        int perWord = 32 / weight.numBits();
        return integer(zeroWords[(row / perWord - firstZeroRow) * numGroups + group], row % perWord);
    }

    /** One row in f32. */
    public void dequantize(int row, float[] dst, int dstOffset) {
        for (int group = 0; group < numGroups; group++) {
            int zeroPoint = zeroPoint(row, group);
            float scale = scale(row, group);
            for (int col = group * weight.groupSize(); col < groupEnd(group); col++) {
                dst[dstOffset + col] = (unsigned(row, col) - zeroPoint) * scale;
            }
        }
    }

    /** One row in bf16, rounded to the nearest, ties to even. */
    public void dequantize(int row, short[] dst, int dstOffset) {
        int numBits = weight.numBits();
        int mask = (1 << numBits) - 1;
        int group = 0;
        int groupEnd = 0;
        int zeroPoint = 0;
        float scale = 0;
        int col = 0;
        for (int at = (row - firstRow) * rowWords; col < weight.inFeatures(); at++) {
            int word = words[at];
            int wordEnd = Math.min(col + 32 / numBits, weight.inFeatures());
            for (; col < wordEnd; col++, word >>>= numBits) {
                if (col == groupEnd) {
                    zeroPoint = zeroPoint(row, group);
                    scale = scale(row, group);
                    groupEnd = groupEnd(group++);
                }
                dst[dstOffset + col] = FloatBits.floatToBf16(((word & mask) - zeroPoint) * scale);
            }
        }
    }

    private int groupEnd(int group) {
        return Math.min(weight.inFeatures(), (group + 1) * weight.groupSize());
    }

    private int integer(int word, int index) {
        return word >>> (index * weight.numBits()) & (1 << weight.numBits()) - 1;
    }
}
