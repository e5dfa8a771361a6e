package dev.quire.kernel.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * One panel of f32 weights times one to five activation rows, columns in turn: every output is one chain of fused
 * multiply-adds over k = 0, 1, 2, …, whatever the tile, the vector length or the batch, so its bits depend on its two
 * rows alone.
 *
 * <p>Five rows are ten accumulators: with two weight vectors and an activation 13 of AVX2's 16 registers, more than the
 * latency needs, and the just-in-time compiler does not spill. The loops end on {@code !=} so that it does not unroll
 * them: unrolled, it spills and reaches half.
 */
final class FloatTile {
    private static final VectorSpecies<Float> F = Species.F;
    private static final int L = Lanes.COUNT;

    /** Activation rows of the largest tile. */
    static final int MAX_ROWS = 5;

    private FloatTile() {}

    /**
     * sums[c, :] += Σ w[k, :] · x[k, c] over count columns, c in [0, numRows).
     *
     * @param w [count, 2L] from wFrom
     * @param x [count, numRows] from xFrom
     * @param sums [numRows, 2L] from s
     */
    static void accumulate(float[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s, int numRows) {
        switch (numRows) {
            case 1 -> tile1(w, wFrom, x, xFrom, count, sums, s);
            case 2 -> tile2(w, wFrom, x, xFrom, count, sums, s);
            case 3 -> tile3(w, wFrom, x, xFrom, count, sums, s);
            case 4 -> tile4(w, wFrom, x, xFrom, count, sums, s);
            default -> tile5(w, wFrom, x, xFrom, count, sums, s);
        }
    }

    private static void tile1(float[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a0 = FloatVector.fromArray(F, sums, s);
        FloatVector b0 = FloatVector.fromArray(F, sums, s + L);
        int end = wFrom + count * 2 * L;
        for (int k = wFrom, at = xFrom; k != end; k += 2 * L, at++) {
            FloatVector low = FloatVector.fromArray(F, w, k);
            FloatVector high = FloatVector.fromArray(F, w, k + L);
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a0 = low.fma(x0, a0);
            b0 = high.fma(x0, b0);
        }
        a0.intoArray(sums, s);
        b0.intoArray(sums, s + L);
    }

    private static void tile2(float[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a0 = FloatVector.fromArray(F, sums, s);
        FloatVector b0 = FloatVector.fromArray(F, sums, s + L);
        FloatVector a1 = FloatVector.fromArray(F, sums, s + 2 * L);
        FloatVector b1 = FloatVector.fromArray(F, sums, s + 3 * L);
        int end = wFrom + count * 2 * L;
        for (int k = wFrom, at = xFrom; k != end; k += 2 * L, at += 2) {
            FloatVector low = FloatVector.fromArray(F, w, k);
            FloatVector high = FloatVector.fromArray(F, w, k + L);
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a0 = low.fma(x0, a0);
            b0 = high.fma(x0, b0);
            FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
            a1 = low.fma(x1, a1);
            b1 = high.fma(x1, b1);
        }
        a0.intoArray(sums, s);
        b0.intoArray(sums, s + L);
        a1.intoArray(sums, s + 2 * L);
        b1.intoArray(sums, s + 3 * L);
    }

    private static void tile3(float[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a0 = FloatVector.fromArray(F, sums, s);
        FloatVector b0 = FloatVector.fromArray(F, sums, s + L);
        FloatVector a1 = FloatVector.fromArray(F, sums, s + 2 * L);
        FloatVector b1 = FloatVector.fromArray(F, sums, s + 3 * L);
        FloatVector a2 = FloatVector.fromArray(F, sums, s + 4 * L);
        FloatVector b2 = FloatVector.fromArray(F, sums, s + 5 * L);
        int end = wFrom + count * 2 * L;
        for (int k = wFrom, at = xFrom; k != end; k += 2 * L, at += 3) {
            FloatVector low = FloatVector.fromArray(F, w, k);
            FloatVector high = FloatVector.fromArray(F, w, k + L);
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a0 = low.fma(x0, a0);
            b0 = high.fma(x0, b0);
            FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
            a1 = low.fma(x1, a1);
            b1 = high.fma(x1, b1);
            FloatVector x2 = FloatVector.broadcast(F, x[at + 2]);
            a2 = low.fma(x2, a2);
            b2 = high.fma(x2, b2);
        }
        a0.intoArray(sums, s);
        b0.intoArray(sums, s + L);
        a1.intoArray(sums, s + 2 * L);
        b1.intoArray(sums, s + 3 * L);
        a2.intoArray(sums, s + 4 * L);
        b2.intoArray(sums, s + 5 * L);
    }

    private static void tile4(float[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a0 = FloatVector.fromArray(F, sums, s);
        FloatVector b0 = FloatVector.fromArray(F, sums, s + L);
        FloatVector a1 = FloatVector.fromArray(F, sums, s + 2 * L);
        FloatVector b1 = FloatVector.fromArray(F, sums, s + 3 * L);
        FloatVector a2 = FloatVector.fromArray(F, sums, s + 4 * L);
        FloatVector b2 = FloatVector.fromArray(F, sums, s + 5 * L);
        FloatVector a3 = FloatVector.fromArray(F, sums, s + 6 * L);
        FloatVector b3 = FloatVector.fromArray(F, sums, s + 7 * L);
        int end = wFrom + count * 2 * L;
        for (int k = wFrom, at = xFrom; k != end; k += 2 * L, at += 4) {
            FloatVector low = FloatVector.fromArray(F, w, k);
            FloatVector high = FloatVector.fromArray(F, w, k + L);
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a0 = low.fma(x0, a0);
            b0 = high.fma(x0, b0);
            FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
            a1 = low.fma(x1, a1);
            b1 = high.fma(x1, b1);
            FloatVector x2 = FloatVector.broadcast(F, x[at + 2]);
            a2 = low.fma(x2, a2);
            b2 = high.fma(x2, b2);
            FloatVector x3 = FloatVector.broadcast(F, x[at + 3]);
            a3 = low.fma(x3, a3);
            b3 = high.fma(x3, b3);
        }
        a0.intoArray(sums, s);
        b0.intoArray(sums, s + L);
        a1.intoArray(sums, s + 2 * L);
        b1.intoArray(sums, s + 3 * L);
        a2.intoArray(sums, s + 4 * L);
        b2.intoArray(sums, s + 5 * L);
        a3.intoArray(sums, s + 6 * L);
        b3.intoArray(sums, s + 7 * L);
    }

    private static void tile5(float[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a0 = FloatVector.fromArray(F, sums, s);
        FloatVector b0 = FloatVector.fromArray(F, sums, s + L);
        FloatVector a1 = FloatVector.fromArray(F, sums, s + 2 * L);
        FloatVector b1 = FloatVector.fromArray(F, sums, s + 3 * L);
        FloatVector a2 = FloatVector.fromArray(F, sums, s + 4 * L);
        FloatVector b2 = FloatVector.fromArray(F, sums, s + 5 * L);
        FloatVector a3 = FloatVector.fromArray(F, sums, s + 6 * L);
        FloatVector b3 = FloatVector.fromArray(F, sums, s + 7 * L);
        FloatVector a4 = FloatVector.fromArray(F, sums, s + 8 * L);
        FloatVector b4 = FloatVector.fromArray(F, sums, s + 9 * L);
        int end = wFrom + count * 2 * L;
        for (int k = wFrom, at = xFrom; k != end; k += 2 * L, at += 5) {
            FloatVector low = FloatVector.fromArray(F, w, k);
            FloatVector high = FloatVector.fromArray(F, w, k + L);
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a0 = low.fma(x0, a0);
            b0 = high.fma(x0, b0);
            FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
            a1 = low.fma(x1, a1);
            b1 = high.fma(x1, b1);
            FloatVector x2 = FloatVector.broadcast(F, x[at + 2]);
            a2 = low.fma(x2, a2);
            b2 = high.fma(x2, b2);
            FloatVector x3 = FloatVector.broadcast(F, x[at + 3]);
            a3 = low.fma(x3, a3);
            b3 = high.fma(x3, b3);
            FloatVector x4 = FloatVector.broadcast(F, x[at + 4]);
            a4 = low.fma(x4, a4);
            b4 = high.fma(x4, b4);
        }
        a0.intoArray(sums, s);
        b0.intoArray(sums, s + L);
        a1.intoArray(sums, s + 2 * L);
        b1.intoArray(sums, s + 3 * L);
        a2.intoArray(sums, s + 4 * L);
        b2.intoArray(sums, s + 5 * L);
        a3.intoArray(sums, s + 6 * L);
        b3.intoArray(sums, s + 7 * L);
        a4.intoArray(sums, s + 8 * L);
        b4.intoArray(sums, s + 9 * L);
    }

    /** Four panels, panelLength apart, times one row: eight chains hide the latency that two of {@code tile1} would show. */
    static void fourPanels(
            float[] w, int wFrom, int panelLength, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector b0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector b1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector b2 = FloatVector.zero(F);
        FloatVector a3 = FloatVector.zero(F);
        FloatVector b3 = FloatVector.zero(F);
        int w1 = 1 * panelLength;
        int w2 = 2 * panelLength;
        int w3 = 3 * panelLength;
        int end = wFrom + count * 2 * L;
        for (int k = wFrom, at = xFrom; k != end; k += 2 * L, at++) {
            FloatVector v = FloatVector.broadcast(F, x[at]);
            a0 = FloatVector.fromArray(F, w, k).fma(v, a0);
            b0 = FloatVector.fromArray(F, w, k + L).fma(v, b0);
            a1 = FloatVector.fromArray(F, w, k + w1).fma(v, a1);
            b1 = FloatVector.fromArray(F, w, k + w1 + L).fma(v, b1);
            a2 = FloatVector.fromArray(F, w, k + w2).fma(v, a2);
            b2 = FloatVector.fromArray(F, w, k + w2 + L).fma(v, b2);
            a3 = FloatVector.fromArray(F, w, k + w3).fma(v, a3);
            b3 = FloatVector.fromArray(F, w, k + w3 + L).fma(v, b3);
        }
        a0.intoArray(sums, s);
        b0.intoArray(sums, s + L);
        a1.intoArray(sums, s + 2 * L);
        b1.intoArray(sums, s + 3 * L);
        a2.intoArray(sums, s + 4 * L);
        b2.intoArray(sums, s + 5 * L);
        a3.intoArray(sums, s + 6 * L);
        b3.intoArray(sums, s + 7 * L);
    }
}
