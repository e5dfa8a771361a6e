package dev.quire.kernel.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Dot products of weight rows with activation rows, both contiguous in k. One order of summation for every shape: lane
 * l of one accumulator takes k = l, L + l, 2L + l, … in turn, then {@link #fold} adds the lanes in a fixed tree. So an
 * output's bits depend on its two rows alone, not on the tile or the batch it was computed in.
 */
final class DotTile {
    private static final VectorSpecies<Float> F = Lanes.F;
    private static final int L = Lanes.COUNT;

    /** Weight rows of a tile; with {@link #COLS} activation rows 12 accumulators, 16 registers in all. */
    static final int ROWS = 3;

    static final int COLS = 4;

    private DotTile() {}

    /**
     * sums[c, r, :] += the lane sums of w[r, 0 … n) · x[c, 0 … n), for ROWS weight rows and numCols ≤ COLS activation rows.
     *
     * @param n a multiple of L
     * @param sStride from one activation row's sums to the next's
     */
    static void accumulate(
            float[] w,
            int w0,
            int wStride,
            float[] x,
            int x0,
            int xStride,
            int n,
            float[] sums,
            int s0,
            int sStride,
            int numCols) {
        switch (numCols) {
            case 1 -> tile3x1(w, w0, wStride, x, x0, xStride, n, sums, s0, sStride);
            case 2 -> tile3x2(w, w0, wStride, x, x0, xStride, n, sums, s0, sStride);
            case 3 -> tile3x3(w, w0, wStride, x, x0, xStride, n, sums, s0, sStride);
            default -> tile3x4(w, w0, wStride, x, x0, xStride, n, sums, s0, sStride);
        }
    }

    /** 3 weight rows times 4 activation rows. */
    private static void tile3x4(
            float[] w, int w0, int wStride, float[] x, int x0, int xStride, int n, float[] sums, int s0, int sStride) {
        int w1 = w0 + wStride;
        int w2 = w1 + wStride;
        int x1 = x0 + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        int s1 = s0 + sStride;
        int s2 = s1 + sStride;
        int s3 = s2 + sStride;
        FloatVector a00 = FloatVector.fromArray(F, sums, s0);
        FloatVector a10 = FloatVector.fromArray(F, sums, s0 + L);
        FloatVector a20 = FloatVector.fromArray(F, sums, s0 + 2 * L);
        FloatVector a01 = FloatVector.fromArray(F, sums, s1);
        FloatVector a11 = FloatVector.fromArray(F, sums, s1 + L);
        FloatVector a21 = FloatVector.fromArray(F, sums, s1 + 2 * L);
        FloatVector a02 = FloatVector.fromArray(F, sums, s2);
        FloatVector a12 = FloatVector.fromArray(F, sums, s2 + L);
        FloatVector a22 = FloatVector.fromArray(F, sums, s2 + 2 * L);
        FloatVector a03 = FloatVector.fromArray(F, sums, s3);
        FloatVector a13 = FloatVector.fromArray(F, sums, s3 + L);
        FloatVector a23 = FloatVector.fromArray(F, sums, s3 + 2 * L);
        for (int k = 0; k < n; k += L) {
            FloatVector p0 = FloatVector.fromArray(F, w, w0 + k);
            FloatVector p1 = FloatVector.fromArray(F, w, w1 + k);
            FloatVector p2 = FloatVector.fromArray(F, w, w2 + k);
            FloatVector q0 = FloatVector.fromArray(F, x, x0 + k);
            a00 = p0.fma(q0, a00);
            a10 = p1.fma(q0, a10);
            a20 = p2.fma(q0, a20);
            FloatVector q1 = FloatVector.fromArray(F, x, x1 + k);
            a01 = p0.fma(q1, a01);
            a11 = p1.fma(q1, a11);
            a21 = p2.fma(q1, a21);
            FloatVector q2 = FloatVector.fromArray(F, x, x2 + k);
            a02 = p0.fma(q2, a02);
            a12 = p1.fma(q2, a12);
            a22 = p2.fma(q2, a22);
            FloatVector q3 = FloatVector.fromArray(F, x, x3 + k);
            a03 = p0.fma(q3, a03);
            a13 = p1.fma(q3, a13);
            a23 = p2.fma(q3, a23);
        }
        a00.intoArray(sums, s0);
        a10.intoArray(sums, s0 + L);
        a20.intoArray(sums, s0 + 2 * L);
        a01.intoArray(sums, s1);
        a11.intoArray(sums, s1 + L);
        a21.intoArray(sums, s1 + 2 * L);
        a02.intoArray(sums, s2);
        a12.intoArray(sums, s2 + L);
        a22.intoArray(sums, s2 + 2 * L);
        a03.intoArray(sums, s3);
        a13.intoArray(sums, s3 + L);
        a23.intoArray(sums, s3 + 2 * L);
    }

    /** 3 weight rows times 3 activation rows. */
    private static void tile3x3(
            float[] w, int w0, int wStride, float[] x, int x0, int xStride, int n, float[] sums, int s0, int sStride) {
        int w1 = w0 + wStride;
        int w2 = w1 + wStride;
        int x1 = x0 + xStride;
        int x2 = x1 + xStride;
        int s1 = s0 + sStride;
        int s2 = s1 + sStride;
        FloatVector a00 = FloatVector.fromArray(F, sums, s0);
        FloatVector a10 = FloatVector.fromArray(F, sums, s0 + L);
        FloatVector a20 = FloatVector.fromArray(F, sums, s0 + 2 * L);
        FloatVector a01 = FloatVector.fromArray(F, sums, s1);
        FloatVector a11 = FloatVector.fromArray(F, sums, s1 + L);
        FloatVector a21 = FloatVector.fromArray(F, sums, s1 + 2 * L);
        FloatVector a02 = FloatVector.fromArray(F, sums, s2);
        FloatVector a12 = FloatVector.fromArray(F, sums, s2 + L);
        FloatVector a22 = FloatVector.fromArray(F, sums, s2 + 2 * L);
        for (int k = 0; k < n; k += L) {
            FloatVector p0 = FloatVector.fromArray(F, w, w0 + k);
            FloatVector p1 = FloatVector.fromArray(F, w, w1 + k);
            FloatVector p2 = FloatVector.fromArray(F, w, w2 + k);
            FloatVector q0 = FloatVector.fromArray(F, x, x0 + k);
            a00 = p0.fma(q0, a00);
            a10 = p1.fma(q0, a10);
            a20 = p2.fma(q0, a20);
            FloatVector q1 = FloatVector.fromArray(F, x, x1 + k);
            a01 = p0.fma(q1, a01);
            a11 = p1.fma(q1, a11);
            a21 = p2.fma(q1, a21);
            FloatVector q2 = FloatVector.fromArray(F, x, x2 + k);
            a02 = p0.fma(q2, a02);
            a12 = p1.fma(q2, a12);
            a22 = p2.fma(q2, a22);
        }
        a00.intoArray(sums, s0);
        a10.intoArray(sums, s0 + L);
        a20.intoArray(sums, s0 + 2 * L);
        a01.intoArray(sums, s1);
        a11.intoArray(sums, s1 + L);
        a21.intoArray(sums, s1 + 2 * L);
        a02.intoArray(sums, s2);
        a12.intoArray(sums, s2 + L);
        a22.intoArray(sums, s2 + 2 * L);
    }

    /** 3 weight rows times 2 activation rows. */
    private static void tile3x2(
            float[] w, int w0, int wStride, float[] x, int x0, int xStride, int n, float[] sums, int s0, int sStride) {
        int w1 = w0 + wStride;
        int w2 = w1 + wStride;
        int x1 = x0 + xStride;
        int s1 = s0 + sStride;
        FloatVector a00 = FloatVector.fromArray(F, sums, s0);
        FloatVector a10 = FloatVector.fromArray(F, sums, s0 + L);
        FloatVector a20 = FloatVector.fromArray(F, sums, s0 + 2 * L);
        FloatVector a01 = FloatVector.fromArray(F, sums, s1);
        FloatVector a11 = FloatVector.fromArray(F, sums, s1 + L);
        FloatVector a21 = FloatVector.fromArray(F, sums, s1 + 2 * L);
        for (int k = 0; k < n; k += L) {
            FloatVector p0 = FloatVector.fromArray(F, w, w0 + k);
            FloatVector p1 = FloatVector.fromArray(F, w, w1 + k);
            FloatVector p2 = FloatVector.fromArray(F, w, w2 + k);
            FloatVector q0 = FloatVector.fromArray(F, x, x0 + k);
            a00 = p0.fma(q0, a00);
            a10 = p1.fma(q0, a10);
            a20 = p2.fma(q0, a20);
            FloatVector q1 = FloatVector.fromArray(F, x, x1 + k);
            a01 = p0.fma(q1, a01);
            a11 = p1.fma(q1, a11);
            a21 = p2.fma(q1, a21);
        }
        a00.intoArray(sums, s0);
        a10.intoArray(sums, s0 + L);
        a20.intoArray(sums, s0 + 2 * L);
        a01.intoArray(sums, s1);
        a11.intoArray(sums, s1 + L);
        a21.intoArray(sums, s1 + 2 * L);
    }

    /** 3 weight rows times 1 activation row. */
    private static void tile3x1(
            float[] w, int w0, int wStride, float[] x, int x0, int xStride, int n, float[] sums, int s0, int sStride) {
        int w1 = w0 + wStride;
        int w2 = w1 + wStride;
        FloatVector a00 = FloatVector.fromArray(F, sums, s0);
        FloatVector a10 = FloatVector.fromArray(F, sums, s0 + L);
        FloatVector a20 = FloatVector.fromArray(F, sums, s0 + 2 * L);
        for (int k = 0; k < n; k += L) {
            FloatVector p0 = FloatVector.fromArray(F, w, w0 + k);
            FloatVector p1 = FloatVector.fromArray(F, w, w1 + k);
            FloatVector p2 = FloatVector.fromArray(F, w, w2 + k);
            FloatVector q0 = FloatVector.fromArray(F, x, x0 + k);
            a00 = p0.fma(q0, a00);
            a10 = p1.fma(q0, a10);
            a20 = p2.fma(q0, a20);
        }
        a00.intoArray(sums, s0);
        a10.intoArray(sums, s0 + L);
        a20.intoArray(sums, s0 + 2 * L);
    }

    private static final VectorMask<Float> UPPER_8 = upper(8);
    private static final VectorMask<Float> UPPER_4 = upper(4);
    private static final VectorMask<Float> UPPER_2 = upper(2);
    private static final VectorMask<Float> UPPER_1 = upper(1);
    private static final VectorShuffle<Float> SWAP_8 = swap(8);
    private static final VectorShuffle<Float> SWAP_4 = swap(4);
    private static final VectorShuffle<Float> SWAP_2 = swap(2);
    private static final VectorShuffle<Float> SWAP_1 = swap(1);

    private static VectorMask<Float> upper(int half) {
        boolean[] bits = new boolean[L];
        for (int i = 0; i < L; i++) {
            bits[i] = (i & half) != 0;
        }
        return VectorMask.fromArray(F, bits, 0);
    }

    private static VectorShuffle<Float> swap(int half) {
        return VectorShuffle.fromOp(F, i -> (i ^ half) & (L - 1));
    }

    /**
     * Adds the lanes of L vectors at {@code at}: lane j of the first becomes the sum of vector j. A tree of pairs, each
     * step adding the halves of two vectors side by side: four instructions a pair, 7 pairs for 8 sums.
     */
    static void fold(float[] sums, int at) {
        if (L > 8) {
            fold(sums, at, 8, UPPER_8, SWAP_8);
        }
        if (L > 4) {
            fold(sums, at, 4, UPPER_4, SWAP_4);
        }
        if (L > 2) {
            fold(sums, at, 2, UPPER_2, SWAP_2);
        }
        fold(sums, at, 1, UPPER_1, SWAP_1);
    }

    private static void fold(float[] sums, int at, int half, VectorMask<Float> upper, VectorShuffle<Float> swap) {
        for (int i = at; i < at + half * L; i += L) {
            FloatVector a = FloatVector.fromArray(F, sums, i);
            FloatVector b = FloatVector.fromArray(F, sums, i + half * L);
            a.blend(b, upper).add(b.blend(a, upper).rearrange(swap)).intoArray(sums, i);
        }
    }
}
