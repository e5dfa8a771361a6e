package dev.quire.weights.quant;

import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import org.jspecify.annotations.Nullable;

/** Rows of a {@link PackedWeight}. */
final class PackedWeightRows implements QuantizedMatrix.Rows {
    private final int numBits;
    private final int numCols;
    private final int numGroups;
    private final int rowWords;
    private final int firstRow;
    private final int[] words;
    private final float[] scales;
    /** Empty when symmetric. */
    private final int[] zeroWords;

    private final int firstZeroRow;
    private final int @Nullable [] columnOrder;

    PackedWeightRows(PackedWeight weight, int firstRow, int count) {
        this.firstRow = firstRow;
        numBits = weight.scheme().numBits();
        numCols = weight.numCols();
        columnOrder = weight.columnOrder();
        numGroups = weight.numGroups();
        rowWords = weight.scheme().numWords(numCols);
        words = new int[Math.multiplyExact(count, rowWords)];
        weight.packed().copyTo((long) firstRow * rowWords, words, 0, words.length);
        scales = new float[count * numGroups];
        weight.scale().copyTo((long) firstRow * numGroups, scales, 0, scales.length);
        HostTensor zeroPoint = weight.zeroPoint();
        int perWord = 32 / numBits;
        firstZeroRow = firstRow / perWord;
        if (zeroPoint == null) {
            zeroWords = new int[0];
        } else {
            int zeroRows = (firstRow + count + perWord - 1) / perWord - firstZeroRow;
            zeroWords = new int[zeroRows * numGroups];
            zeroPoint.copyTo((long) firstZeroRow * numGroups, zeroWords, 0, zeroWords.length);
        }
    }

    @Override
    public void codes(int row, byte[] dst, int at) {
        int mask = (1 << numBits) - 1;
        int perWord = 32 / numBits;
        if (columnOrder != null) {
            for (int c = 0; c < numCols; c++) {
                int col = columnOrder[c];
                dst[at + c] = (byte) (words[row * rowWords + col / perWord] >>> col % perWord * numBits & mask);
            }
            return;
        }
        int col = 0;
        int from = row * rowWords;
        if (numBits == 4) {
            for (; col + Nibbles.PER_WORD <= numCols; col += Nibbles.PER_WORD, from++) {
                Nibbles.spread(words[from], dst, at + col);
            }
        }
        for (; col < numCols; from++) {
            int word = words[from];
            int end = Math.min(col + perWord, numCols);
            for (; col < end; col++, word >>>= numBits) {
                dst[at + col] = (byte) (word & mask);
            }
        }
    }

    @Override
    public void scales(int row, float[] dst, int at) {
        System.arraycopy(scales, row * numGroups, dst, at, numGroups);
    }

    @Override
    public void offsets(int row, float[] dst, int at) {
        for (int group = 0; group < numGroups; group++) {
            dst[at + group] = -zeroPoint(firstRow + row, group) * scales[row * numGroups + group];
        }
    }

    private int zeroPoint(int row, int group) {
        if (zeroWords.length == 0) {
            return 1 << numBits - 1;
        }
        int perWord = 32 / numBits;
        int word = zeroWords[(row / perWord - firstZeroRow) * numGroups + group];
        return word >>> (row % perWord * numBits) & (1 << numBits) - 1;
    }
}
