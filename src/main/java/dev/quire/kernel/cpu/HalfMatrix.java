package dev.quire.kernel.cpu;

import dev.quire.tensor.FloatBits;
import dev.quire.tensor.HostTensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** bf16 or f16 weights, a column's two halves of a panel in one vector of words: row l low, row L + l high. */
final class HalfMatrix extends PackedMatrix {
    private static final VectorSpecies<Float> F = Lanes.F;
    private static final VectorSpecies<Integer> I = Lanes.I;
    private static final int L = Lanes.COUNT;
    private static final int HIGH = 0xffff0000;
    /** Sign, exponent and significand of an f16 at their places in an f32, after a shift by 3. */
    private static final int F16_BITS = 0x8fffe000;
    /** Exponent bias 15 read as 127. */
    private static final float F16_SCALE = 0x1p112f;

    private final int[][] words;
    private final boolean bf16;

    HalfMatrix(int rows, int cols, boolean bf16) {
        super(rows, cols, (long) L * cols);
        this.bf16 = bf16;
        words = newWords();
    }

    @Override
    long numBytes() {
        return 4L * numPanels * panelLength;
    }

    void pack(int panel, HostTensor tensor) {
        int numRows = panelRows(panel);
        short[] src = new short[PANEL_ROWS * cols];
        tensor.copyTo(firstElement(tensor, panel), src, 0, numRows * cols);
        int[] dst = words[panel / panelsPerArray];
        int at = offset(panel);
        for (int k = 0; k < cols; k++) {
            for (int lane = 0; lane < L; lane++) {
                dst[at++] = src[lane * cols + k] & 0xffff | src[(L + lane) * cols + k] << 16;
            }
        }
    }

    @Override
    void unpack(int panel, int col, int count, float[] dst) {
        int[] src = words[panel / panelsPerArray];
        int from = offset(panel) + col * L;
        if (bf16) {
            unpackBf16(src, from, count * L, dst);
        } else {
            unpackF16(src, from, count * L, dst);
        }
    }

    private static void unpackBf16(int[] src, int from, int count, float[] dst) {
        for (int i = 0; i < count; i += L) {
            IntVector word = IntVector.fromArray(I, src, from + i);
            word.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(dst, 2 * i);
            word.and(HIGH).reinterpretAsFloats().intoArray(dst, 2 * i + L);
        }
    }

    private static void unpackF16(int[] src, int from, int count, float[] dst) {
        for (int i = 0; i < count; i += L) {
            IntVector word = IntVector.fromArray(I, src, from + i);
            IntVector low = word.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 3);
            IntVector high = word.lanewise(VectorOperators.ASHR, 3);
            FloatVector first = low.and(F16_BITS).reinterpretAsFloats();
            FloatVector second = high.and(F16_BITS).reinterpretAsFloats();
            first.mul(F16_SCALE).intoArray(dst, 2 * i);
            second.mul(F16_SCALE).intoArray(dst, 2 * i + L);
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

    @Override
    boolean readsDirectly(int numRows) {
        return bf16;
    }

    @Override
    void accumulate(int panel, int col, int count, float[] x, int xOffset, float[] sums, int s, int numRows) {
        int from = offset(panel) + col * L;
        Bf16Tile.accumulate(words[panel / panelsPerArray], from, x, xOffset, count, sums, s, numRows);
    }

    @Override
    int multiplyPanels(int panel, int numPanels, float[] x, int xOffset, int numRows, float[] sums) {
        if (!bf16 || numRows > 2) {
            return 0;
        }
        int[] src = words[panel / panelsPerArray];
        return Bf16Tile.multiply(src, offset(panel), panelLength, numPanels, x, xOffset, cols, sums, numRows);
    }
}
