package dev.quire.weights.quant;

import dev.quire.tensor.HostTensor;

/** Scales and packed zero points of some outputs, from tensors with groups outermost. */
final class TransposedGroups {
    private final int numGroups;
    private final int numBits;
    private final int count;
    private final int firstRow;
    private final int firstWord;
    private final int numWords;
    /** [numGroups, count] */
    private final float[] scales;
    /** [numGroups, numWords] */
    private final int[] zeroWords;

    /**
     * @param scale {@code [numGroups, N]}
     * @param qzeros I32 {@code [numGroups, N*numBits/32]}
     */
    TransposedGroups(HostTensor scale, HostTensor qzeros, int numBits, int firstRow, int count) {
        this.numBits = numBits;
        this.count = count;
        this.firstRow = firstRow;
        numGroups = scale.shape().intDim(0);
        int perWord = 32 / numBits;
        firstWord = firstRow / perWord;
        numWords = (firstRow + count + perWord - 1) / perWord - firstWord;
        scales = new float[numGroups * count];
        scale.copyColumns(0, numGroups, firstRow, count, scales);
        zeroWords = new int[numGroups * numWords];
        qzeros.copyColumns(0, numGroups, firstWord, numWords, zeroWords);
    }

    int numGroups() {
        return numGroups;
    }

    float scale(int row, int group) {
        return scales[group * count + row];
    }

    void scales(int row, float[] dst, int at) {
        for (int group = 0; group < numGroups; group++) {
            dst[at + group] = scale(row, group);
        }
    }

    /** The zero point as stored, of outputs that lie in a word as they are numbered. */
    int stored(int row, int group) {
        return stored(row, group, (firstRow + row) % (32 / numBits));
    }

    /** The zero point of a row at a given place of its word. */
    int stored(int row, int group, int place) {
        int word = zeroWords[group * numWords + (firstRow + row) / (32 / numBits) - firstWord];
        return word >>> place * numBits & (1 << numBits) - 1;
    }
}
