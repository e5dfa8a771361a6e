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

    /** Columns of a tile that begins at {@code col}, at most {@link PanelScratch#TILE_COLS}. */
    int tileCols(int col) {
        return Math.min(PanelScratch.TILE_COLS, cols - col);
    }

    /** Converts one row to f32, columns in the matrix' own order. */
    abstract void unpackRow(int row, float[] dst, int dstOffset);

    /**
     * scratch.sums[s + i, :] += the products of a panel with the rows of bands [firstBand, endBand) over the columns of the
     * tile that begins at {@code col}, i in [0, rows of the bands).
     */
    abstract void multiplyTile(
            PanelLoops loops,
            int panel,
            int col,
            PackedRows rows,
            int firstBand,
            int endBand,
            PanelScratch scratch,
            int s);

    /**
     * scratch.sums[p, c, :] = the products of panel {@code panel + p} with row c of the first band over all columns, several panels at
     * a time so that their chains overlap; for one or two rows, where one panel alone would wait for its own sums.
     * Panels are of one array.
     *
     * @return how many panels it took, from the first; 0 when it has no such kernel
     */
    abstract int multiplyPanels(PanelLoops loops, int panel, int numPanels, PackedRows rows, PanelScratch scratch);

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
