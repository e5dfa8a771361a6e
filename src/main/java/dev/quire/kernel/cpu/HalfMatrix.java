package dev.quire.kernel.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * bf16 or f16 weights, two to a word: lane l of a block's words holds column l in its low half and column L + l in its
 * high half, so bf16 becomes f32 by one shift or one mask for a whole vector.
 */
final class HalfMatrix extends PackedMatrix {
    private static final VectorSpecies<Float> F = Lanes.F;
    private static final VectorSpecies<Integer> I = Lanes.I;
    private static final int L = Lanes.COUNT;
    static final int HIGH = 0xffff0000;
    /** Sign, exponent and significand of an f16 at their places in an f32, after the shift by 3. */
    static final int F16_BITS = 0x8fffe000;
    /** Exponent bias 15 read as 127. */
    static final float F16_SCALE = 0x1p112f;

    final int[][] words;
    final boolean bf16;

    HalfMatrix(int rows, int cols, boolean bf16) {
        super(rows, cols, 2 * L, 2);
        this.bf16 = bf16;
        words = newWords();
    }

    @Override
    int blockCols() {
        return 2 * L;
    }

    @Override
    long numBytes() {
        return 4L * rows * rowWords;
    }

    int[] array(int row) {
        return words[row / rowsPerArray];
    }

    int offset(int row) {
        return row % rowsPerArray * rowWords;
    }

    /** Stores a row from {@code src[srcOffset, srcOffset + cols)}. */
    void pack(int row, short[] src, int srcOffset) {
        int[] dst = array(row);
        int at = offset(row);
        int whole = cols / (2 * L) * (2 * L);
        for (int col = 0; col < whole; col += 2 * L) {
            for (int lane = 0; lane < L; lane++) {
                int from = srcOffset + col + lane;
                dst[at + col / 2 + lane] = src[from] & 0xffff | src[from + L] << 16;
            }
        }
        for (int col = whole; col < cols; col++) {
            dst[at + whole / 2 + col % L] |= (src[srcOffset + col] & 0xffff) << (col / L % 2 * 16);
        }
    }

    @Override
    void unpack(int row, int col, int count, float[] dst, int dstOffset) {
        if (bf16) {
            unpackBf16(array(row), offset(row) + col / 2, count, dst, dstOffset);
        } else {
            unpackF16(array(row), offset(row) + col / 2, count, dst, dstOffset);
        }
    }

    private static void unpackBf16(int[] src, int from, int count, float[] dst, int to) {
        for (int i = 0; i < count / 2; i += L) {
            IntVector word = IntVector.fromArray(I, src, from + i);
            word.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(dst, to + 2 * i);
            word.and(HIGH).reinterpretAsFloats().intoArray(dst, to + 2 * i + L);
        }
    }

    private static void unpackF16(int[] src, int from, int count, float[] dst, int to) {
        for (int i = 0; i < count / 2; i += L) {
            IntVector word = IntVector.fromArray(I, src, from + i);
            IntVector low = word.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 3);
            IntVector high = word.lanewise(VectorOperators.ASHR, 3);
            FloatVector first = low.and(F16_BITS).reinterpretAsFloats();
            FloatVector second = high.and(F16_BITS).reinterpretAsFloats();
            first.mul(F16_SCALE).intoArray(dst, to + 2 * i);
            second.mul(F16_SCALE).intoArray(dst, to + 2 * i + L);
        }
    }
}
