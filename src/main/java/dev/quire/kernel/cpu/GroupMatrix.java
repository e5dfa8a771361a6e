package dev.quire.kernel.cpu;

import dev.quire.tensor.DType;
import dev.quire.tensor.QuantizedMatrix;
import java.util.Arrays;

/**
 * Small codes with a scale for each row and group of columns, in the matrix' own order of columns. A group begins with a
 * {@linkplain PanelCodes block}; where its columns do not fill its last one, that is padded.
 *
 * <p>An integer q of n bits is read as f = 1 + q / 2ⁿ, see {@link GroupTile}. With scales times 2ⁿ, w = f · scale + bias,
 * bias = offset - scale. So a group adds scale · Σ f · x + bias · Σ x to an output: one chain of multiply-adds from 0, then
 * two more; Σ x is the same for all outputs. Larger groups are several {@linkplain InputForm#MAX_CHAIN_COLS chains}, as f
 * is larger than f - 1.5, and what its chain rounds grows with its length. 8-bit floats need no bias.
 */
final class GroupMatrix extends PackedMatrix {
    private static final int L = Lanes.COUNT;

    private final PanelCodes codes;
    private final boolean hasOffsets;
    private final int groupCols;
    private final int numGroups;
    /** Words of a whole group. */
    private final int groupLength;

    private final int[][] words;
    private final DType scaleType;
    private final GroupScales scales;

    GroupMatrix(int rows, int cols, PanelCodes codes, int groupSize, boolean symmetric, DType scaleType) {
        super(rows, cols, panelLength(cols, codes, groupSize));
        this.codes = codes;
        this.scaleType = scaleType;
        hasOffsets = codes.isInteger() && !symmetric;
        groupCols = Math.min(groupSize, cols);
        numGroups = numGroups(cols, groupSize);
        groupLength = L * codes.numWords(groupCols);
        words = newWords();
        scales = new GroupScales(this, codes, numGroups, scaleType, hasOffsets);
    }

    /** An empty matrix for what is in a checkpoint. */
    static GroupMatrix of(QuantizedMatrix matrix) {
        return new GroupMatrix(
                matrix.numRows(),
                matrix.numCols(),
                PanelCodes.of(matrix.codes()),
                matrix.groupSize(),
                matrix.isSymmetric(),
                scaleType(matrix));
    }

    private static DType scaleType(QuantizedMatrix matrix) {
        return matrix.groupSize() <= GroupScales.MAX_NARROW_GROUP ? matrix.scaleType() : DType.F32;
    }

    private static int numGroups(int cols, int groupSize) {
        return cols / groupSize + (cols % groupSize == 0 ? 0 : 1);
    }

    private static long panelLength(int cols, PanelCodes codes, int groupSize) {
        int group = Math.min(groupSize, cols);
        return (long) L * (cols / group * codes.numWords(group) + codes.numWords(cols % group));
    }

    /** Bytes that a matrix keeps. */
    static long numBytes(QuantizedMatrix matrix) {
        PanelCodes codes = PanelCodes.of(matrix.codes());
        int rows = matrix.numRows();
        int cols = matrix.numCols();
        boolean hasOffsets = codes.isInteger() && !matrix.isSymmetric();
        return 4L * Lanes.roundUp(rows, PANEL_ROWS) / PANEL_ROWS * panelLength(cols, codes, matrix.groupSize())
                + GroupScales.numBytes(rows, numGroups(cols, matrix.groupSize()), scaleType(matrix), hasOffsets);
    }

    @Override
    String kind() {
        return codes + (hasOffsets ? " with offsets" : "") + ", scales " + scaleType;
    }

    @Override
    PackedMatrix ofSameKind(int rows, int cols) {
        return new GroupMatrix(rows, cols, codes, Math.min(groupCols, cols), !hasOffsets, scaleType);
    }

    @Override
    long numBytes() {
        return 4L * numPanels * panelLength + GroupScales.numBytes(rows, numGroups, scaleType, hasOffsets);
    }

    /** Stores the rows of one panel. */
    void pack(int panel, QuantizedMatrix matrix) {
        int numRows = panelRows(panel);
        QuantizedMatrix.Rows source = matrix.rows(panel * PANEL_ROWS, numRows);
        int stride = cols + PanelCodes.MAX_BLOCK_COLS;
        byte[] rowCodes = new byte[PANEL_ROWS * stride];
        float[] rowScales = new float[numGroups];
        float[] rowOffsets = new float[hasOffsets ? numGroups : 0];
        for (int row = 0; row < numRows; row++) {
            source.codes(row, rowCodes, row * stride);
            source.scales(row, rowScales, 0);
            if (hasOffsets) {
                source.offsets(row, rowOffsets, 0);
            }
            scales.store(panel, row, rowScales, rowOffsets);
        }
        if (!codes.isInteger()) {
            check(matrix, rowCodes);
        }
        int[] dst = words[panel / panelsPerArray];
        for (int group = 0; group < numGroups; group++) {
            int first = group * groupCols;
            int numBlocks = (Math.min(groupCols, cols - first) + codes.blockCols - 1) / codes.blockCols;
            codes.pack(rowCodes, first, stride, numBlocks, dst, wordOffset(panel, group, 0));
        }
    }

    /** Throws IllegalArgumentException for what the decoding by shifts does not hold. */
    private static void check(QuantizedMatrix matrix, byte[] codes) {
        for (byte code : codes) {
            if ((code & 0x7f) == 0x7f) {
                throw new IllegalArgumentException(matrix.name() + " has an 8-bit float that is not a number");
            }
        }
    }

    /** First word of column i of a group, where a block begins. */
    private int wordOffset(int panel, int group, int i) {
        return offset(panel) + group * groupLength + i / codes.blockCols * codes.blockWords * L;
    }

    /** Whole chains. */
    @Override
    int tileCols(int col) {
        int rest = cols - col;
        if (groupCols > InputForm.MAX_CHAIN_COLS) {
            return Math.min(Math.min(PanelScratch.TILE_COLS, rest), groupCols - col % groupCols);
        }
        return Math.min(rest, PanelScratch.TILE_COLS / groupCols * groupCols);
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
        InputForm form = rows.form();
        int end = col + tileCols(col);
        int group = col / groupCols;
        scales.decode(loops, panel, group, (end - 1) / groupCols + 1 - group, scratch.scales, 0);
        unpack(loops, panel, col, end, form, scratch.tile);
        for (int band = firstBand, to = s; band < endBand; band++) {
            int numRows = rows.bandRows(band);
            int x = rows.offset(band);
            int xSum = rows.sumOffset(band) + form.chain(col) * numRows;
            for (int k = col; k < end; xSum += numRows) {
                int count = form.chainCols(k, cols);
                int scale = (k / groupCols - group) * GroupScales.GROUP_LENGTH;
                loops.accumulateGroup(
                        scratch.tile,
                        (k - col) * PANEL_ROWS,
                        rows.array(),
                        x + k * numRows,
                        count,
                        scratch.scales,
                        scale,
                        rows.sums(),
                        xSum,
                        scratch.sums,
                        to,
                        numRows);
                k += count;
            }
            to += numRows * PANEL_ROWS;
        }
    }

    /** Columns [col, end), whole chains, to {@code dst[0]}: [end - col, PANEL_ROWS]. */
    private void unpack(PanelLoops loops, int panel, int col, int end, InputForm form, float[] dst) {
        int[] src = words[panel / panelsPerArray];
        for (int k = col; k < end; ) {
            int count = form.chainCols(k, cols);
            int numBlocks = (count + codes.blockCols - 1) / codes.blockCols;
            // What a last block has too much, the next chain overwrites.
            loops.unpackCodes(
                    codes,
                    src,
                    wordOffset(panel, k / groupCols, k % groupCols),
                    numBlocks,
                    dst,
                    (k - col) * PANEL_ROWS);
            k += count;
        }
    }

    @Override
    void unpackRow(int row, float[] dst, int dstOffset) {
        int panel = row / PANEL_ROWS;
        int panelRow = row % PANEL_ROWS;
        int[] src = words[panel / panelsPerArray];
        for (int group = 0; group < numGroups; group++) {
            float scale = scales.scale(panel, panelRow, group);
            float bias = scales.bias(panel, panelRow, group, scale);
            int first = group * groupCols;
            int count = Math.min(groupCols, cols - first);
            int from = wordOffset(panel, group, 0);
            for (int i = 0; i < count; i += codes.blockCols, from += codes.blockWords * L) {
                int end = Math.min(codes.blockCols, count - i);
                for (int c = 0; c < end; c++) {
                    float value = codes.value(codes.get(src, from, c, panelRow)) * codes.inputFactor();
                    dst[dstOffset + first + i + c] = Math.fma(value, scale, bias);
                }
            }
        }
    }

    /** One row meets each word once: no use in unpacking it into memory first. */
    @Override
    int multiplyPanels(PanelLoops loops, int panel, int numPanels, PackedRows rows, PanelScratch scratch) {
        if (rows.numRows() != 1 || groupCols % codes.blockCols != 0) {
            return 0;
        }
        Arrays.fill(scratch.sums, 0, (numPanels + PanelLoops.CODE_PANELS) * PANEL_ROWS, 0);
        // A chain that ends inside a block is left to the tiles.
        int last = cols - cols % codes.blockCols;
        int wholeCols = last == cols ? cols : last - last % groupCols % InputForm.MAX_CHAIN_COLS;
        int maxCols = groupCols > InputForm.MAX_CHAIN_COLS
                ? groupCols
                : Math.min(PanelScratch.MAX_GROUPS, numGroups) * groupCols;
        for (int p = 0; p < numPanels; p += PanelLoops.CODE_PANELS) {
            int count = Math.min(PanelLoops.CODE_PANELS, numPanels - p);
            for (int col = 0; col < wholeCols; col += maxCols) {
                int end = Math.min(col + maxCols, wholeCols);
                multiplyGroups(loops, panel + p, count, col, end, rows, scratch, p * PANEL_ROWS);
            }
            for (int i = p; i < p + count && wholeCols < cols; i++) {
                multiplyTile(loops, panel + i, wholeCols, rows, 0, 1, scratch, i * PANEL_ROWS);
            }
        }
        return numPanels;
    }

    /** Columns [col, end) of up to CODE_PANELS panels times one row: some groups, or one that is several chains. */
    private void multiplyGroups(
            PanelLoops loops,
            int panel,
            int numPanels,
            int col,
            int end,
            PackedRows rows,
            PanelScratch scratch,
            int s) {
        int group = col / groupCols;
        int groups = (end - 1) / groupCols + 1 - group;
        int stride = groups * GroupScales.GROUP_LENGTH;
        for (int p = 0; p < numPanels; p++) {
            scales.decode(loops, panel + p, group, groups, scratch.scales, p * stride);
        }
        loops.multiplyCodes(
                codes,
                words[panel / panelsPerArray],
                wordOffset(panel, group, 0),
                panelLength,
                numPanels,
                (end - col) / codes.blockCols,
                Math.min(groupCols, InputForm.MAX_CHAIN_COLS) / codes.blockCols,
                scratch.scales,
                stride,
                groups == 1 ? 0 : GroupScales.GROUP_LENGTH,
                rows.array(),
                rows.offset(0) + col,
                rows.sums(),
                rows.sumOffset(0) + rows.form().chain(col),
                scratch.sums,
                s);
    }
}
