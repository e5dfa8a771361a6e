package dev.quire.kernel.cpu;

import dev.quire.kernel.DequantizedRows;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;

/** bf16 or f16 weights, a column's two halves of a panel in one vector of words: row l low, row L + l high. */
final class HalfMatrix extends PackedMatrix {
    private static final int L = Lanes.COUNT;

    private final int[][] words;
    private final boolean bf16;

    HalfMatrix(int rows, int cols, boolean bf16) {
        super(rows, cols, (long) L * cols);
        this.bf16 = bf16;
        words = newWords();
    }

    @Override
    String kind() {
        return bf16 ? "bf16" : "f16";
    }

    @Override
    PackedMatrix ofSameKind(int rows, int cols) {
        return new HalfMatrix(rows, cols, bf16);
    }

    @Override
    long numBytes() {
        return 4L * numPanels * panelLength;
    }

    void pack(int panel, HostTensor tensor) {
        int numRows = panelRows(panel);
        short[] src = new short[PANEL_ROWS * cols];
        tensor.copyTo(firstElement(tensor, panel), src, 0, numRows * cols);
        pack(panel, src);
    }

    /** Rounds a quantized panel, columns back in the layer's order; only for bf16. */
    void pack(int panel, QuantizedMatrix matrix) {
        short[] src = new short[PANEL_ROWS * cols];
        DequantizedRows rows = new DequantizedRows(matrix, panel * PANEL_ROWS, panelRows(panel));
        for (int i = 0; i < panelRows(panel); i++) {
            rows.copyTo(i, src, i * cols);
        }
        int[] order = matrix.columnOrder();
        if (order != null) {
            short[] ordered = new short[src.length];
            for (int at = 0; at < src.length; at += cols) {
                for (int k = 0; k < cols; k++) {
                    ordered[at + order[k]] = src[at + k];
                }
            }
            src = ordered;
        }
        pack(panel, src);
    }

    /** @param src [PANEL_ROWS, cols] */
    private void pack(int panel, short[] src) {
        int[] dst = words[panel / panelsPerArray];
        int at = offset(panel);
        for (int k = 0; k < cols; k++) {
            for (int lane = 0; lane < L; lane++) {
                dst[at++] = src[lane * cols + k] & 0xffff | src[(L + lane) * cols + k] << 16;
            }
        }
    }

    boolean isBf16() {
        return bf16;
    }

    /** The bits of a panel as they are stored: those of its row r in column c at dst[colOffset[c] + rowOffset[row + r]]. */
    void copyBits(int panel, short[] dst, int[] colOffset, int[] rowOffset, int row) {
        int[] src = words[panel / panelsPerArray];
        int from = offset(panel);
        int numLow = Math.min(L, panelRows(panel));
        int numHigh = panelRows(panel) - numLow;
        for (int c = 0; c < cols; c++, from += L) {
            int at = colOffset[c];
            for (int lane = 0; lane < numLow; lane++) {
                dst[at + rowOffset[row + lane]] = (short) src[from + lane];
            }
            for (int lane = 0; lane < numHigh; lane++) {
                dst[at + rowOffset[row + L + lane]] = (short) (src[from + lane] >>> 16);
            }
        }
    }

    @Override
    void unpackRow(int row, float[] dst, int dstOffset) {
        int panel = row / PANEL_ROWS;
        int[] src = words[panel / panelsPerArray];
        int from = offset(panel) + row % L;
        int shift = row % PANEL_ROWS / L * 16;
        for (int k = 0; k < cols; k++) {
            short bits = (short) (src[from + k * L] >>> shift);
            dst[dstOffset + k] = bf16 ? FloatBits.bf16ToFloat(bits) : FloatBits.f16ToFloat(bits);
        }
    }

    /** bf16 is converted in registers. */
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
        int[] src = words[panel / panelsPerArray];
        int from = offset(panel) + col * L;
        int count = tileCols(col);
        if (!bf16) {
            loops.unpackF16(src, from, count, scratch.tile);
        }
        for (int band = firstBand, to = s; band < endBand; band++) {
            int numRows = rows.bandRows(band);
            int x = rows.offset(band) + col * numRows;
            if (bf16) {
                loops.accumulateBf16(src, from, rows.array(), x, count, scratch.sums, to, numRows);
            } else {
                loops.accumulateFloat(scratch.tile, 0, rows.array(), x, count, scratch.sums, to, numRows);
            }
            to += numRows * PANEL_ROWS;
        }
    }

    @Override
    int multiplyPanels(PanelLoops loops, int panel, int numPanels, PackedRows rows, PanelScratch scratch) {
        if (!bf16) {
            return 0;
        }
        int[] src = words[panel / panelsPerArray];
        int from = offset(panel);
        int numRows = rows.bandRows(0);
        return loops.multiplyBf16(
                src, from, panelLength, numPanels, rows.array(), rows.offset(0), cols, scratch.sums, numRows);
    }
}
