package dev.quire.kernel.cpu;

import dev.quire.tensor.QuantizedMatrix;

/**
 * 8- or 4-bit integers with a scale for each row and group of columns, w = (q - zeroPoint) · scale. A word holds 2
 * columns of 8 bits or 4 of 4 bits, each column's two halves of the panel side by side, lowest bits first.
 *
 * <p>With f = 1 + q / 2ⁿ, see {@link GroupTile}, and scales stored times 2ⁿ, w = f · scale + bias with
 * bias = -(1 + zeroPoint / 2ⁿ) · scale: exact for scales of 16-bit types, so a fused multiply-add rounds once.
 */
final class GroupMatrix extends PackedMatrix {
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
    String kind() {
        return "int" + numBits + (symmetric ? " symmetric" : "");
    }

    @Override
    PackedMatrix ofSameKind(int rows, int cols) {
        return new GroupMatrix(rows, cols, numBits, Math.min(groupCols, cols), symmetric);
    }

    @Override
    long numBytes() {
        return numBytes(rows, cols, numBits, groupCols, symmetric);
    }

    private int scaleOffset(int panel) {
        return panel % panelsPerArray * numGroups * PANEL_ROWS;
    }

    /** Stores the rows of one panel. */
    void pack(int panel, QuantizedMatrix matrix) {
        int first = panel * PANEL_ROWS;
        QuantizedMatrix.Rows source = matrix.rows(first, panelRows(panel));
        byte[] codes = new byte[cols];
        float[] rowScales = new float[numGroups];
        float[] rowOffsets = new float[numGroups];
        int range = 1 << numBits;
        for (int row = 0; row < panelRows(panel); row++) {
            int[] dst = words[panel / panelsPerArray];
            int at = offset(panel) + row % L;
            int half = row / L * numBits;
            source.codes(row, codes, 0);
            for (int k = 0; k < cols; k++) {
                dst[at + k / wordCols * L] |= (codes[k] & 0xff) << (k % wordCols * 2 * numBits + half);
            }
            source.scales(row, rowScales, 0);
            source.offsets(row, rowOffsets, 0);
            for (int group = 0; group < numGroups; group++) {
                int to = scaleOffset(panel) + group * PANEL_ROWS + row;
                scales[panel / panelsPerArray][to] = rowScales[group] * range;
                if (!symmetric) {
                    biases[panel / panelsPerArray][to] = rowOffsets[group] - range * rowScales[group];
                }
            }
        }
    }

    @Override
    void unpack(PanelLoops loops, int panel, int col, int count, float[] dst) {
        int array = panel / panelsPerArray;
        for (int done = 0; done < count; ) {
            int group = (col + done) / groupCols;
            int run = Math.min(count - done, (group + 1) * groupCols - col - done);
            int from = offset(panel) + (col + done) / wordCols * L;
            int numWords = (run + wordCols - 1) / wordCols;
            int scale = scaleOffset(panel) + group * PANEL_ROWS;
            int to = done * PANEL_ROWS;
            loops.unpackGroup(numBits, words[array], from, numWords, scales[array], biases[array], scale, dst, to);
            done += run;
        }
    }

    @Override
    void unpackRow(int row, float[] dst, int dstOffset) {
        float[] panel = new float[Lanes.roundUp(cols, wordCols) * PANEL_ROWS];
        unpack(new PlainPanelLoops(), row / PANEL_ROWS, 0, cols, panel);
        for (int k = 0; k < cols; k++) {
            dst[dstOffset + k] = panel[k * PANEL_ROWS + row % PANEL_ROWS];
        }
    }

    /** One row meets each word once: no use in unpacking it first. */
    @Override
    boolean readsDirectly(int numRows) {
        return numRows == 1 && cols % wordCols == 0;
    }

    @Override
    void accumulate(
            PanelLoops loops, int panel, int col, int count, float[] x, int xOffset, float[] sums, int s, int numRows) {
        int array = panel / panelsPerArray;
        for (int done = 0; done < count; ) {
            int group = (col + done) / groupCols;
            int run = Math.min(count - done, (group + 1) * groupCols - col - done);
            int from = offset(panel) + (col + done) / wordCols * L;
            int scale = scaleOffset(panel) + group * PANEL_ROWS;
            loops.accumulateGroup(
                    numBits,
                    words[array],
                    from,
                    run / wordCols,
                    scales[array],
                    biases[array],
                    scale,
                    x,
                    xOffset + done,
                    sums,
                    s);
            done += run;
        }
    }

    @Override
    int multiplyPanels(PanelLoops loops, int panel, int numPanels, float[] x, int xOffset, int numRows, float[] sums) {
        return 0;
    }
}
