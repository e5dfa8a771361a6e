package dev.quire.kernel.cpu;

import dev.quire.tensor.DType;
import dev.quire.tensor.QuantizedMatrix;
import java.util.Arrays;

/**
 * Small codes with a scale for each row and group of columns, in the matrix' own order of columns. A group begins with a
 * {@linkplain PanelCodes block}; where its columns do not fill its last one, that is padded.
 *
 * <p>An integer q of n bits is read as f = 1 + q / 2ⁿ, see {@link GroupTile}. With scales times 2ⁿ, w = f · scale + bias
 * with bias = offset - scale: exact for scales of 16-bit types, so a fused multiply-add rounds once.
 */
final class GroupMatrix extends PackedMatrix {
    private static final int L = Lanes.COUNT;

    /** Where an 8-bit float's scale, times {@link PanelCodes#E4M3_FACTOR}, leaves f32. */
    private static final float MAX_E4M3_SCALE = 128;

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
        scales = new GroupScales(this, numGroups, scaleType, hasOffsets, codes.scaleFactor());
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
        byte[] rowCodes = new byte[cols];
        float[] rowScales = new float[numGroups];
        float[] rowOffsets = new float[hasOffsets ? numGroups : 0];
        int[] dst = words[panel / panelsPerArray];
        for (int row = 0; row < numRows; row++) {
            source.codes(row, rowCodes, 0);
            for (int group = 0; group < numGroups; group++) {
                int first = group * groupCols;
                int count = Math.min(groupCols, cols - first);
                int at = offset(panel) + group * groupLength;
                for (int i = 0; i < count; i++) {
                    int block = i / codes.blockCols;
                    int to = at + block * codes.blockWords * L;
                    codes.put(dst, to, i - block * codes.blockCols, row, rowCodes[first + i] & 0xff);
                }
            }
            source.scales(row, rowScales, 0);
            if (hasOffsets) {
                source.offsets(row, rowOffsets, 0);
            }
            if (!codes.isInteger()) {
                check(matrix, rowCodes, rowScales);
            }
            scales.store(panel, row, rowScales, rowOffsets);
        }
    }

    /** Throws IllegalArgumentException for what the decoding by shifts does not hold. */
    private static void check(QuantizedMatrix matrix, byte[] codes, float[] scales) {
        for (float scale : scales) {
            if (!(Math.abs(scale) <= MAX_E4M3_SCALE)) {
                throw new IllegalArgumentException(
                        matrix.name() + " has a scale of " + scale + " on 8-bit floats: up to " + MAX_E4M3_SCALE);
            }
        }
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

    /** Tiles begin where blocks do. */
    @Override
    int tileCols(int col, int max) {
        int rest = cols - col;
        return groupCols % codes.blockCols == 0
                ? Math.min(max, rest)
                : Math.min(Math.min(max, rest), groupCols - col % groupCols);
    }

    @Override
    void unpack(PanelLoops loops, int panel, int col, int count, PanelScratch scratch) {
        int[] src = words[panel / panelsPerArray];
        int firstGroup = col / groupCols;
        int endGroup = (col + count - 1) / groupCols + 1;
        for (int done = 0; done < count; ) {
            int group = (col + done) / groupCols;
            int decoded = (group - firstGroup) % PanelScratch.MAX_GROUPS;
            if (decoded == 0) {
                int run = Math.min(PanelScratch.MAX_GROUPS, endGroup - group);
                scales.decode(loops, panel, group, run, scratch.scales, 0);
            }
            int i = col + done - group * groupCols;
            int run = Math.min(count - done, groupCols - i);
            loops.unpackCodes(
                    codes,
                    src,
                    wordOffset(panel, group, i),
                    (run + codes.blockCols - 1) / codes.blockCols,
                    scratch.scales,
                    decoded * GroupScales.GROUP_LENGTH,
                    scratch.tile,
                    done * PANEL_ROWS);
            done += run;
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
            for (int i = 0; i < count; i++) {
                int code = codes.get(src, wordOffset(panel, group, i), i % codes.blockCols, panelRow);
                dst[dstOffset + first + i] = codes.weight(code, scale, bias);
            }
        }
    }

    @Override
    boolean readsDirectly() {
        return false;
    }

    @Override
    void accumulate(
            PanelLoops loops, int panel, int col, int count, float[] x, int xOffset, float[] sums, int s, int numRows) {
        throw new IllegalStateException("codes are unpacked first");
    }

    /** One row meets each word once: no use in unpacking it into memory first. */
    @Override
    int multiplyPanels(
            PanelLoops loops, int panel, int numPanels, float[] x, int xOffset, int numRows, PanelScratch scratch) {
        if (numRows != 1 || groupCols % codes.blockCols != 0) {
            return 0;
        }
        Arrays.fill(scratch.sums, 0, (numPanels + 1) * PANEL_ROWS, 0);
        int wholeCols = cols - cols % codes.blockCols;
        int[] src = words[panel / panelsPerArray];
        int maxCols = PanelScratch.MAX_GROUPS > cols / groupCols ? cols : PanelScratch.MAX_GROUPS * groupCols;
        for (int p = 0; p < numPanels; p += 2) {
            // Without a second panel the first is done twice, the second time into sums that nobody reads.
            int second = p + 1 < numPanels ? 1 : 0;
            for (int col = 0; col < wholeCols; col += maxCols) {
                int group = col / groupCols;
                int count = Math.min(maxCols, wholeCols - col);
                int groups = numGroups(count, groupCols);
                int stride = second * groups * GroupScales.GROUP_LENGTH;
                scales.decode(loops, panel + p, group, groups, scratch.scales, 0);
                if (second == 1) {
                    scales.decode(loops, panel + p + 1, group, groups, scratch.scales, stride);
                }
                loops.multiplyCodes(
                        codes,
                        src,
                        wordOffset(panel + p, group, 0),
                        second * panelLength,
                        count / codes.blockCols,
                        groupCols / codes.blockCols,
                        scratch.scales,
                        stride,
                        x,
                        xOffset + col,
                        scratch.sums,
                        p * PANEL_ROWS);
            }
            if (wholeCols < cols) {
                multiplyRest(loops, panel + p, wholeCols, x, xOffset, scratch, p * PANEL_ROWS);
                if (second == 1) {
                    multiplyRest(loops, panel + p + 1, wholeCols, x, xOffset, scratch, (p + 1) * PANEL_ROWS);
                }
            }
        }
        return numPanels;
    }

    /** The columns of a last block that is not full. */
    private void multiplyRest(
            PanelLoops loops, int panel, int col, float[] x, int xOffset, PanelScratch scratch, int s) {
        unpack(loops, panel, col, cols - col, scratch);
        loops.accumulateFloat(scratch.tile, 0, x, xOffset + col, cols - col, scratch.sums, s, 1);
    }
}
