package dev.quire.kernel.cpu;

import dev.quire.tensor.HostTensor;

/** f32 weights: nothing to unpack, the tiles read the arrays themselves. */
final class FloatMatrix extends PackedMatrix {
    private final float[][] values;

    FloatMatrix(int rows, int cols) {
        super(rows, cols, (long) PANEL_ROWS * cols);
        values = new float[numArrays()][];
        for (int i = 0; i < values.length; i++) {
            values[i] = new float[arrayPanels(i) * panelLength];
        }
    }

    @Override
    String kind() {
        return "f32";
    }

    @Override
    PackedMatrix ofSameKind(int rows, int cols) {
        return new FloatMatrix(rows, cols);
    }

    @Override
    long numBytes() {
        return 4L * numPanels * panelLength;
    }

    /** The array that holds the panel from {@link #offset}, [cols, PANEL_ROWS]. */
    private float[] array(int panel) {
        return values[panel / panelsPerArray];
    }

    void pack(int panel, HostTensor tensor) {
        float[] buffer = new float[panelRows(panel) * cols];
        tensor.copyTo(firstElement(tensor, panel), buffer, 0, buffer.length);
        pack(panel, buffer);
    }

    /** @param src the panel's rows, [panelRows, cols] */
    void pack(int panel, float[] src) {
        float[] dst = array(panel);
        int numRows = panelRows(panel);
        for (int row = 0; row < numRows; row++) {
            for (int k = 0; k < cols; k++) {
                dst[offset(panel) + k * PANEL_ROWS + row] = src[row * cols + k];
            }
        }
    }

    @Override
    void unpackRow(int row, float[] dst, int dstOffset) {
        float[] src = array(row / PANEL_ROWS);
        int from = offset(row / PANEL_ROWS) + row % PANEL_ROWS;
        for (int k = 0; k < cols; k++) {
            dst[dstOffset + k] = src[from + k * PANEL_ROWS];
        }
    }

    @Override
    void multiplyTile(
            PanelLoops loops,
            int panel,
            int col,
            PackedRows rows,
            int firstBand,
            int endBand,
            PanelScratch scratch,
            int s) {
        float[] src = array(panel);
        int from = offset(panel) + col * PANEL_ROWS;
        int count = tileCols(col);
        for (int band = firstBand, to = s; band < endBand; band++) {
            int numRows = rows.bandRows(band);
            int x = rows.offset(band) + col * numRows;
            loops.accumulateFloat(src, from, rows.array(), x, count, scratch.sums, to, numRows);
            to += numRows * PANEL_ROWS;
        }
    }

    @Override
    int multiplyPanels(PanelLoops loops, int panel, int numPanels, PackedRows rows, PanelScratch scratch) {
        float[] src = array(panel);
        int from = offset(panel);
        int numRows = rows.bandRows(0);
        return loops.multiplyFloat(
                src, from, panelLength, numPanels, rows.array(), rows.offset(0), cols, scratch.sums, numRows);
    }
}
