package dev.quire.kernel.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * 8- or 4-bit integers with a scale for each row and group of columns. They are stored signed, q - 2^(numBits - 1), so
 * w = q · scale when symmetric, and else w = q · scale + bias with bias = (2^(numBits - 1) - zeroPoint) · scale, which
 * is exact for scales of 16-bit types. A word holds 2 columns of 8 bits or 4 of 4 bits, each column's two halves of the
 * panel side by side, lowest bits first.
 */
final class GroupMatrix extends PackedMatrix {
    private static final VectorSpecies<Float> F = Lanes.F;
    private static final VectorSpecies<Integer> I = Lanes.I;
    private static final int L = Lanes.COUNT;

    private final int numBits;
    private final boolean symmetric;
    private final int wordCols;
    private final int groupCols;
    private final int numGroups;

    private final int[][] words;
    /** [panel, group, PANEL_ROWS] */
    private final float[][] scales;
    /** As scales; empty when symmetric. */
    private final float[][] biases;

    /** @param groupSize must satisfy {@link #supports} */
    GroupMatrix(int rows, int cols, int numBits, int groupSize, boolean symmetric) {
        super(rows, cols, (long) L * numWords(cols, numBits));
        this.numBits = numBits;
        this.symmetric = symmetric;
        wordCols = 16 / numBits;
        groupCols = Math.min(groupSize, Lanes.roundUp(cols, wordCols));
        numGroups = (cols + groupCols - 1) / groupCols;
        words = newWords();
        scales = new float[numArrays()][];
        biases = new float[numArrays()][];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = new float[Math.multiplyExact(arrayPanels(i), numGroups * PANEL_ROWS)];
            biases[i] = new float[symmetric ? 0 : scales[i].length];
        }
    }

    private static int numWords(int cols, int numBits) {
        return (cols + 16 / numBits - 1) / (16 / numBits);
    }

    /** Bytes that a matrix of this shape keeps. */
    static long numBytes(int rows, int cols, int numBits, int groupSize, boolean symmetric) {
        long paddedRows = Lanes.roundUp(rows, PANEL_ROWS);
        long groups = (cols + groupSize - 1) / groupSize;
        return paddedRows * (2L * numWords(cols, numBits) + (symmetric ? 4 : 8) * groups);
    }

    /** Whether words lie inside groups. */
    static boolean supports(int cols, int numBits, int groupSize) {
        return groupSize >= cols || groupSize % (16 / numBits) == 0;
    }

    @Override
    long numBytes() {
        return numBytes(rows, cols, numBits, groupCols, symmetric);
    }

    private int scaleOffset(int panel) {
        return panel % panelsPerArray * numGroups * PANEL_ROWS;
    }

    /** Stores one row from a reader that covers it. */
    void pack(int row, GroupReader reader) {
        int panel = row / PANEL_ROWS;
        int[] dst = words[panel / panelsPerArray];
        int at = offset(panel) + row % L;
        int half = row % PANEL_ROWS / L * numBits;
        int middle = 1 << numBits - 1;
        int mask = (1 << numBits) - 1;
        for (int k = 0; k < cols; k++) {
            int q = reader.unsigned(row, k) - middle & mask;
            dst[at + k / wordCols * L] |= q << (k % wordCols * 2 * numBits + half);
        }
        for (int group = 0; group < numGroups; group++) {
            int to = scaleOffset(panel) + group * PANEL_ROWS + row % PANEL_ROWS;
            float scale = reader.scale(row, group);
            scales[panel / panelsPerArray][to] = scale;
            if (!symmetric) {
                biases[panel / panelsPerArray][to] = (middle - reader.zeroPoint(row, group)) * scale;
            }
        }
    }

    @Override
    void unpack(int panel, int col, int count, float[] dst) {
        int array = panel / panelsPerArray;
        for (int done = 0; done < count; ) {
            int group = (col + done) / groupCols;
            int run = Math.min(count - done, (group + 1) * groupCols - col - done);
            int from = offset(panel) + (col + done) / wordCols * L;
            int numWords = (run + wordCols - 1) / wordCols;
            int scale = scaleOffset(panel) + group * PANEL_ROWS;
            int to = done * PANEL_ROWS;
            if (symmetric) {
                unpack(words[array], from, numWords, scales[array], scale, dst, to);
            } else {
                unpack(words[array], from, numWords, scales[array], biases[array], scale, dst, to);
            }
            done += run;
        }
    }

    private void unpack(int[] src, int from, int numWords, float[] scales, int scale, float[] dst, int to) {
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        for (int i = 0; i < numWords; i++) {
            IntVector word = IntVector.fromArray(I, src, from + i * L);
            for (int shift = 32 - numBits; shift >= 0; shift -= 2 * numBits) {
                IntVector first = word.lanewise(VectorOperators.LSHL, shift);
                IntVector second = word.lanewise(VectorOperators.LSHL, shift - numBits);
                toFloat(first).mul(low).intoArray(dst, to);
                toFloat(second).mul(high).intoArray(dst, to + L);
                to += PANEL_ROWS;
            }
        }
    }

    private void unpack(
            int[] src, int from, int numWords, float[] scales, float[] biases, int scale, float[] dst, int to) {
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, biases, scale);
        FloatVector highBias = FloatVector.fromArray(F, biases, scale + L);
        for (int i = 0; i < numWords; i++) {
            IntVector word = IntVector.fromArray(I, src, from + i * L);
            for (int shift = 32 - numBits; shift >= 0; shift -= 2 * numBits) {
                IntVector first = word.lanewise(VectorOperators.LSHL, shift);
                IntVector second = word.lanewise(VectorOperators.LSHL, shift - numBits);
                toFloat(first).fma(low, lowBias).intoArray(dst, to);
                toFloat(second).fma(high, highBias).intoArray(dst, to + L);
                to += PANEL_ROWS;
            }
        }
    }

    /** The signed integer in the highest numBits of each lane. */
    private FloatVector toFloat(IntVector shifted) {
        return (FloatVector)
                shifted.lanewise(VectorOperators.ASHR, 32 - numBits).convert(VectorOperators.I2F, 0);
    }

    @Override
    void unpackRow(int row, float[] dst, int dstOffset) {
        float[] panel = new float[Lanes.roundUp(cols, wordCols) * PANEL_ROWS];
        unpack(row / PANEL_ROWS, 0, cols, panel);
        for (int k = 0; k < cols; k++) {
            dst[dstOffset + k] = panel[k * PANEL_ROWS + row % PANEL_ROWS];
        }
    }

    @Override
    boolean multiplies(int numRows) {
        return false;
    }

    @Override
    void multiply(int panel, int numPanels, float[] x, int xOffset, int numRows, float[] sums) {
        throw new IllegalStateException("quantized panels are unpacked: " + Arrays.toString(words));
    }
}
