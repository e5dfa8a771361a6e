package dev.quire.kernel.cpu;

import dev.quire.tensor.HostTensor;

/**
 * A resident weight matrix [rows, cols] in its stored precision, in panels of {@link #PANEL_ROWS} rows. A panel goes
 * column by column, so a product keeps the panel's outputs in two vectors and multiplies each column by one activation.
 * Lane l of a vector of words holds rows l and L + l: a shift or a mask makes two f32 vectors of it. Matrices too large
 * for one array are split over several.
 */
abstract class PackedMatrix {
    /** Rows of a panel: two vectors. */
    static final int PANEL_ROWS = 2 * Lanes.COUNT;

    /** Elements of the largest array: 4 GiB. */
    private static final int MAX_ARRAY_LENGTH = 1 << 30;

    final int rows;
    final int cols;
    final int numPanels;
    /** Array elements of one panel. */
    final int panelLength;

    final int panelsPerArray;

    PackedMatrix(int rows, int cols, long panelLength) {
        this.rows = rows;
        this.cols = cols;
        this.panelLength = Math.toIntExact(panelLength);
        numPanels = (rows + PANEL_ROWS - 1) / PANEL_ROWS;
        panelsPerArray = (int) Math.max(1, MAX_ARRAY_LENGTH / Math.max(1, panelLength));
    }

    /** What decides which loops multiply it. */
    abstract String kind();

    /** A matrix of zeros of this kind. */
    abstract PackedMatrix ofSameKind(int rows, int cols);

    /** Bytes that stay resident. */
    abstract long numBytes();

    /** Columns of a tile that begins at {@code col}, at most {@code max}: tiles end where {@link #unpack} can begin. */
    int tileCols(int col, int max) {
        return Math.min(max, cols - col);
    }

    /** Converts columns [col, col + count) of a panel, one tile, to f32 at {@code scratch.tile[0]}: [count, PANEL_ROWS]. */
    abstract void unpack(PanelLoops loops, int panel, int col, int count, PanelScratch scratch);

    /** Converts one row to f32, columns in the matrix' own order. */
    abstract void unpackRow(int row, float[] dst, int dstOffset);

    /** Whether there is {@link #accumulate}; else the caller unpacks first. */
    abstract boolean readsDirectly();

    /** As {@link PanelLoops#accumulateFloat}, with columns [col, col + count) of a panel. */
    abstract void accumulate(
            PanelLoops loops, int panel, int col, int count, float[] x, int xOffset, float[] sums, int s, int numRows);

    /**
     * scratch.sums[p, c, :] = the products of panel {@code panel + p} with activation row c over all columns, several panels at
     * a time so that their chains overlap; for one or two rows, where one panel alone would wait for its own sums.
     * Panels are of one array.
     *
     * @param x [cols, numRows] from xOffset
     * @return how many panels it took, from the first; 0 when it has no such kernel
     */
    abstract int multiplyPanels(
            PanelLoops loops, int panel, int numPanels, float[] x, int xOffset, int numRows, PanelScratch scratch);

    final int panelRows(int panel) {
        return Math.min(PANEL_ROWS, rows - panel * PANEL_ROWS);
    }

    final int numArrays() {
        return (numPanels + panelsPerArray - 1) / panelsPerArray;
    }

    final int arrayPanels(int array) {
        return Math.min(panelsPerArray, numPanels - array * panelsPerArray);
    }

    final int offset(int panel) {
        return panel % panelsPerArray * panelLength;
    }

    final int[][] newWords() {
        int[][] words = new int[numArrays()][];
        for (int i = 0; i < words.length; i++) {
            words[i] = new int[arrayPanels(i) * panelLength];
        }
        return words;
    }

    /** First element in {@code tensor} of a panel's first row. */
    final long firstElement(HostTensor tensor, int panel) {
        return (long) panel * PANEL_ROWS * cols;
    }
}
