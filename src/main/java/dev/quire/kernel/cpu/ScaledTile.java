package dev.quire.kernel.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link FloatTile} for the columns of one group of {@link GroupMatrix}, unpacked: a chain from 0, which then, times the
 * group's scales and with what its offsets add, joins the sums.
 */
final class ScaledTile {
    private static final VectorSpecies<Float> F = Species.F;
    private static final int L = Lanes.COUNT;

    private ScaledTile() {}

    /** As {@link PanelLoops#accumulateGroup}. */
    static void accumulate(
            float[] w,
            int wFrom,
            float[] x,
            int xFrom,
            int count,
            float[] scales,
            int scale,
            float[] xSums,
            int xSum,
            float[] sums,
            int s,
            int numRows) {
        switch (numRows) {
            case 1 -> tile1(w, wFrom, x, xFrom, count, scales, scale, xSums, xSum, sums, s);
            case 2 -> tile2(w, wFrom, x, xFrom, count, scales, scale, xSums, xSum, sums, s);
            case 3 -> tile3(w, wFrom, x, xFrom, count, scales, scale, xSums, xSum, sums, s);
            case 4 -> tile4(w, wFrom, x, xFrom, count, scales, scale, xSums, xSum, sums, s);
            default -> tile5(w, wFrom, x, xFrom, count, scales, scale, xSums, xSum, sums, s);
        }
    }

    private static void tile1(
            float[] w,
            int wFrom,
            float[] x,
            int xFrom,
            int count,
            float[] scales,
            int scale,
            float[] xSums,
            int xSum,
            float[] sums,
            int s) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector b0 = FloatVector.zero(F);
        int end = wFrom + count * 2 * L;
        for (int k = wFrom, at = xFrom; k != end; k += 2 * L, at++) {
            FloatVector low = FloatVector.fromArray(F, w, k);
            FloatVector high = FloatVector.fromArray(F, w, k + L);
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a0 = low.fma(x0, a0);
            b0 = high.fma(x0, b0);
        }
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, scales, scale + 2 * L);
        FloatVector highBias = FloatVector.fromArray(F, scales, scale + 3 * L);
        FloatVector g0 = FloatVector.broadcast(F, xSums[xSum]);
        a0 = a0.fma(low, FloatVector.fromArray(F, sums, s));
        lowBias.fma(g0, a0).intoArray(sums, s);
        b0 = b0.fma(high, FloatVector.fromArray(F, sums, s + L));
        highBias.fma(g0, b0).intoArray(sums, s + L);
    }

    private static void tile2(
            float[] w,
            int wFrom,
            float[] x,
            int xFrom,
            int count,
            float[] scales,
            int scale,
            float[] xSums,
            int xSum,
            float[] sums,
            int s) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector b0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector b1 = FloatVector.zero(F);
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
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, scales, scale + 2 * L);
        FloatVector highBias = FloatVector.fromArray(F, scales, scale + 3 * L);
        FloatVector g0 = FloatVector.broadcast(F, xSums[xSum]);
        a0 = a0.fma(low, FloatVector.fromArray(F, sums, s));
        lowBias.fma(g0, a0).intoArray(sums, s);
        b0 = b0.fma(high, FloatVector.fromArray(F, sums, s + L));
        highBias.fma(g0, b0).intoArray(sums, s + L);
        FloatVector g1 = FloatVector.broadcast(F, xSums[xSum + 1]);
        a1 = a1.fma(low, FloatVector.fromArray(F, sums, s + 2 * L));
        lowBias.fma(g1, a1).intoArray(sums, s + 2 * L);
        b1 = b1.fma(high, FloatVector.fromArray(F, sums, s + 3 * L));
        highBias.fma(g1, b1).intoArray(sums, s + 3 * L);
    }

    private static void tile3(
            float[] w,
            int wFrom,
            float[] x,
            int xFrom,
            int count,
            float[] scales,
            int scale,
            float[] xSums,
            int xSum,
            float[] sums,
            int s) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector b0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector b1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector b2 = FloatVector.zero(F);
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
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, scales, scale + 2 * L);
        FloatVector highBias = FloatVector.fromArray(F, scales, scale + 3 * L);
        FloatVector g0 = FloatVector.broadcast(F, xSums[xSum]);
        a0 = a0.fma(low, FloatVector.fromArray(F, sums, s));
        lowBias.fma(g0, a0).intoArray(sums, s);
        b0 = b0.fma(high, FloatVector.fromArray(F, sums, s + L));
        highBias.fma(g0, b0).intoArray(sums, s + L);
        FloatVector g1 = FloatVector.broadcast(F, xSums[xSum + 1]);
        a1 = a1.fma(low, FloatVector.fromArray(F, sums, s + 2 * L));
        lowBias.fma(g1, a1).intoArray(sums, s + 2 * L);
        b1 = b1.fma(high, FloatVector.fromArray(F, sums, s + 3 * L));
        highBias.fma(g1, b1).intoArray(sums, s + 3 * L);
        FloatVector g2 = FloatVector.broadcast(F, xSums[xSum + 2]);
        a2 = a2.fma(low, FloatVector.fromArray(F, sums, s + 4 * L));
        lowBias.fma(g2, a2).intoArray(sums, s + 4 * L);
        b2 = b2.fma(high, FloatVector.fromArray(F, sums, s + 5 * L));
        highBias.fma(g2, b2).intoArray(sums, s + 5 * L);
    }

    private static void tile4(
            float[] w,
            int wFrom,
            float[] x,
            int xFrom,
            int count,
            float[] scales,
            int scale,
            float[] xSums,
            int xSum,
            float[] sums,
            int s) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector b0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector b1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector b2 = FloatVector.zero(F);
        FloatVector a3 = FloatVector.zero(F);
        FloatVector b3 = FloatVector.zero(F);
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
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, scales, scale + 2 * L);
        FloatVector highBias = FloatVector.fromArray(F, scales, scale + 3 * L);
        FloatVector g0 = FloatVector.broadcast(F, xSums[xSum]);
        a0 = a0.fma(low, FloatVector.fromArray(F, sums, s));
        lowBias.fma(g0, a0).intoArray(sums, s);
        b0 = b0.fma(high, FloatVector.fromArray(F, sums, s + L));
        highBias.fma(g0, b0).intoArray(sums, s + L);
        FloatVector g1 = FloatVector.broadcast(F, xSums[xSum + 1]);
        a1 = a1.fma(low, FloatVector.fromArray(F, sums, s + 2 * L));
        lowBias.fma(g1, a1).intoArray(sums, s + 2 * L);
        b1 = b1.fma(high, FloatVector.fromArray(F, sums, s + 3 * L));
        highBias.fma(g1, b1).intoArray(sums, s + 3 * L);
        FloatVector g2 = FloatVector.broadcast(F, xSums[xSum + 2]);
        a2 = a2.fma(low, FloatVector.fromArray(F, sums, s + 4 * L));
        lowBias.fma(g2, a2).intoArray(sums, s + 4 * L);
        b2 = b2.fma(high, FloatVector.fromArray(F, sums, s + 5 * L));
        highBias.fma(g2, b2).intoArray(sums, s + 5 * L);
        FloatVector g3 = FloatVector.broadcast(F, xSums[xSum + 3]);
        a3 = a3.fma(low, FloatVector.fromArray(F, sums, s + 6 * L));
        lowBias.fma(g3, a3).intoArray(sums, s + 6 * L);
        b3 = b3.fma(high, FloatVector.fromArray(F, sums, s + 7 * L));
        highBias.fma(g3, b3).intoArray(sums, s + 7 * L);
    }

    private static void tile5(
            float[] w,
            int wFrom,
            float[] x,
            int xFrom,
            int count,
            float[] scales,
            int scale,
            float[] xSums,
            int xSum,
            float[] sums,
            int s) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector b0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector b1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector b2 = FloatVector.zero(F);
        FloatVector a3 = FloatVector.zero(F);
        FloatVector b3 = FloatVector.zero(F);
        FloatVector a4 = FloatVector.zero(F);
        FloatVector b4 = FloatVector.zero(F);
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
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, scales, scale + 2 * L);
        FloatVector highBias = FloatVector.fromArray(F, scales, scale + 3 * L);
        FloatVector g0 = FloatVector.broadcast(F, xSums[xSum]);
        a0 = a0.fma(low, FloatVector.fromArray(F, sums, s));
        lowBias.fma(g0, a0).intoArray(sums, s);
        b0 = b0.fma(high, FloatVector.fromArray(F, sums, s + L));
        highBias.fma(g0, b0).intoArray(sums, s + L);
        FloatVector g1 = FloatVector.broadcast(F, xSums[xSum + 1]);
        a1 = a1.fma(low, FloatVector.fromArray(F, sums, s + 2 * L));
        lowBias.fma(g1, a1).intoArray(sums, s + 2 * L);
        b1 = b1.fma(high, FloatVector.fromArray(F, sums, s + 3 * L));
        highBias.fma(g1, b1).intoArray(sums, s + 3 * L);
        FloatVector g2 = FloatVector.broadcast(F, xSums[xSum + 2]);
        a2 = a2.fma(low, FloatVector.fromArray(F, sums, s + 4 * L));
        lowBias.fma(g2, a2).intoArray(sums, s + 4 * L);
        b2 = b2.fma(high, FloatVector.fromArray(F, sums, s + 5 * L));
        highBias.fma(g2, b2).intoArray(sums, s + 5 * L);
        FloatVector g3 = FloatVector.broadcast(F, xSums[xSum + 3]);
        a3 = a3.fma(low, FloatVector.fromArray(F, sums, s + 6 * L));
        lowBias.fma(g3, a3).intoArray(sums, s + 6 * L);
        b3 = b3.fma(high, FloatVector.fromArray(F, sums, s + 7 * L));
        highBias.fma(g3, b3).intoArray(sums, s + 7 * L);
        FloatVector g4 = FloatVector.broadcast(F, xSums[xSum + 4]);
        a4 = a4.fma(low, FloatVector.fromArray(F, sums, s + 8 * L));
        lowBias.fma(g4, a4).intoArray(sums, s + 8 * L);
        b4 = b4.fma(high, FloatVector.fromArray(F, sums, s + 9 * L));
        highBias.fma(g4, b4).intoArray(sums, s + 9 * L);
    }
}
