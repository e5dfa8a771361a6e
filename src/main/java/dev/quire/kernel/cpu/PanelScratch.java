package dev.quire.kernel.cpu;

/** What one thread needs while it multiplies panels. */
final class PanelScratch {
    /** Columns of a tile: one panel of it is half of a first-level cache. */
    static final int TILE_COLS = 256;

    /** Groups of each panel whose scales are decoded at a time. */
    static final int MAX_GROUPS = 64;

    /** [TILE_COLS, PANEL_ROWS] unpacked, and the padding of a last block. */
    final float[] tile = new float[(TILE_COLS + PanelCodes.MAX_BLOCK_COLS) * PackedMatrix.PANEL_ROWS];

    final float[] scales = new float[PanelLoops.CODE_PANELS * MAX_GROUPS * GroupScales.GROUP_LENGTH];

    /** [panels, rows, PANEL_ROWS] */
    final float[] sums;

    PanelScratch(int maxPanels, int maxRows) {
        sums = new float[maxPanels * maxRows * PackedMatrix.PANEL_ROWS];
    }
}
