package dev.quire.kernel.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link FloatTile} for bf16 panels, converted in registers: the same chains, so the same bits. These loops are counted:
 * the compiler unrolls them without spilling, unlike those of {@link FloatTile}.
 */
final class Bf16Tile {
    private static final VectorSpecies<Float> F = Species.F;
    private static final VectorSpecies<Integer> I = Species.I;
    private static final int L = Lanes.COUNT;
    private static final int HIGH = 0xffff0000;

    private Bf16Tile() {}

    /** As {@link FloatTile#accumulate}, w [count, L] words from wFrom. */
    static void accumulate(int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s, int numRows) {
        switch (numRows) {
            case 1 -> tile1(w, wFrom, x, xFrom, count, sums, s);
            case 2 -> tile2(w, wFrom, x, xFrom, count, sums, s);
            case 3 -> tile3(w, wFrom, x, xFrom, count, sums, s);
            case 4 -> tile4(w, wFrom, x, xFrom, count, sums, s);
            default -> tile5(w, wFrom, x, xFrom, count, sums, s);
        }
    }

    /** Of one or two rows, panels panelLength words apart; returns how many it took. */
    static int multiply(
            int[] w,
            int wFrom,
            int panelLength,
            int numPanels,
            float[] x,
            int xFrom,
            int count,
            float[] sums,
            int numRows) {
        int panel = 0;
        if (numRows == 1) {
            for (; panel <= numPanels - 4; panel += 4) {
                fourPanels(w, wFrom + panel * panelLength, panelLength, x, xFrom, count, sums, panel * 2 * L);
            }
        } else {
            for (; panel <= numPanels - 2; panel += 2) {
                twoPanels(w, wFrom + panel * panelLength, panelLength, x, xFrom, count, sums, panel * 4 * L);
            }
        }
        return panel;
    }

    /** Eight chains of one row: two would show the latency of the multiply-add. */
    private static void fourPanels(
            int[] w, int wFrom, int panelLength, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector b0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector b1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector b2 = FloatVector.zero(F);
        FloatVector a3 = FloatVector.zero(F);
        FloatVector b3 = FloatVector.zero(F);
        int w1 = panelLength;
        int w2 = 2 * panelLength;
        int w3 = 3 * panelLength;
        int end = wFrom + count * L;
        for (int k = wFrom, at = xFrom; k != end; k += L, at++) {
            FloatVector v = FloatVector.broadcast(F, x[at]);
            IntVector word0 = IntVector.fromArray(I, w, k);
            FloatVector low0 = word0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high0 = word0.and(HIGH).reinterpretAsFloats();
            a0 = low0.fma(v, a0);
            b0 = high0.fma(v, b0);
            IntVector word1 = IntVector.fromArray(I, w, k + w1);
            FloatVector low1 = word1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high1 = word1.and(HIGH).reinterpretAsFloats();
            a1 = low1.fma(v, a1);
            b1 = high1.fma(v, b1);
            IntVector word2 = IntVector.fromArray(I, w, k + w2);
            FloatVector low2 = word2.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high2 = word2.and(HIGH).reinterpretAsFloats();
            a2 = low2.fma(v, a2);
            b2 = high2.fma(v, b2);
            IntVector word3 = IntVector.fromArray(I, w, k + w3);
            FloatVector low3 = word3.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high3 = word3.and(HIGH).reinterpretAsFloats();
            a3 = low3.fma(v, a3);
            b3 = high3.fma(v, b3);
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

    private static void twoPanels(
            int[] w, int wFrom, int panelLength, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a00 = FloatVector.zero(F);
        FloatVector b00 = FloatVector.zero(F);
        FloatVector a01 = FloatVector.zero(F);
        FloatVector b01 = FloatVector.zero(F);
        FloatVector a10 = FloatVector.zero(F);
        FloatVector b10 = FloatVector.zero(F);
        FloatVector a11 = FloatVector.zero(F);
        FloatVector b11 = FloatVector.zero(F);
        int w1 = panelLength;
        int end = wFrom + count * L;
        for (int k = wFrom, at = xFrom; k != end; k += L, at += 2) {
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
            IntVector word0 = IntVector.fromArray(I, w, k);
            FloatVector low0 = word0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high0 = word0.and(HIGH).reinterpretAsFloats();
            a00 = low0.fma(x0, a00);
            b00 = high0.fma(x0, b00);
            a01 = low0.fma(x1, a01);
            b01 = high0.fma(x1, b01);
            IntVector word1 = IntVector.fromArray(I, w, k + w1);
            FloatVector low1 = word1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high1 = word1.and(HIGH).reinterpretAsFloats();
            a10 = low1.fma(x0, a10);
            b10 = high1.fma(x0, b10);
            a11 = low1.fma(x1, a11);
            b11 = high1.fma(x1, b11);
        }
        a00.intoArray(sums, s);
        b00.intoArray(sums, s + L);
        a01.intoArray(sums, s + 2 * L);
        b01.intoArray(sums, s + 3 * L);
        a10.intoArray(sums, s + 4 * L);
        b10.intoArray(sums, s + 5 * L);
        a11.intoArray(sums, s + 6 * L);
        b11.intoArray(sums, s + 7 * L);
    }

    private static void tile1(int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a0 = FloatVector.fromArray(F, sums, s);
        FloatVector b0 = FloatVector.fromArray(F, sums, s + L);
        for (int i = 0; i < count; i++) {
            int k = wFrom + i * L;
            int at = xFrom + i;
            IntVector word = IntVector.fromArray(I, w, k);
            FloatVector low = word.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high = word.and(HIGH).reinterpretAsFloats();
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a0 = low.fma(x0, a0);
            b0 = high.fma(x0, b0);
        }
        a0.intoArray(sums, s);
        b0.intoArray(sums, s + L);
    }

    private static void tile2(int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a0 = FloatVector.fromArray(F, sums, s);
        FloatVector b0 = FloatVector.fromArray(F, sums, s + L);
        FloatVector a1 = FloatVector.fromArray(F, sums, s + 2 * L);
        FloatVector b1 = FloatVector.fromArray(F, sums, s + 3 * L);
        for (int i = 0; i < count; i++) {
            int k = wFrom + i * L;
            int at = xFrom + i * 2;
            IntVector word = IntVector.fromArray(I, w, k);
            FloatVector low = word.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high = word.and(HIGH).reinterpretAsFloats();
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

    private static void tile3(int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a0 = FloatVector.fromArray(F, sums, s);
        FloatVector b0 = FloatVector.fromArray(F, sums, s + L);
        FloatVector a1 = FloatVector.fromArray(F, sums, s + 2 * L);
        FloatVector b1 = FloatVector.fromArray(F, sums, s + 3 * L);
        FloatVector a2 = FloatVector.fromArray(F, sums, s + 4 * L);
        FloatVector b2 = FloatVector.fromArray(F, sums, s + 5 * L);
        for (int i = 0; i < count; i++) {
            int k = wFrom + i * L;
            int at = xFrom + i * 3;
            IntVector word = IntVector.fromArray(I, w, k);
            FloatVector low = word.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high = word.and(HIGH).reinterpretAsFloats();
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

    private static void tile4(int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a0 = FloatVector.fromArray(F, sums, s);
        FloatVector b0 = FloatVector.fromArray(F, sums, s + L);
        FloatVector a1 = FloatVector.fromArray(F, sums, s + 2 * L);
        FloatVector b1 = FloatVector.fromArray(F, sums, s + 3 * L);
        FloatVector a2 = FloatVector.fromArray(F, sums, s + 4 * L);
        FloatVector b2 = FloatVector.fromArray(F, sums, s + 5 * L);
        FloatVector a3 = FloatVector.fromArray(F, sums, s + 6 * L);
        FloatVector b3 = FloatVector.fromArray(F, sums, s + 7 * L);
        for (int i = 0; i < count; i++) {
            int k = wFrom + i * L;
            int at = xFrom + i * 4;
            IntVector word = IntVector.fromArray(I, w, k);
            FloatVector low = word.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high = word.and(HIGH).reinterpretAsFloats();
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

    private static void tile5(int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s) {
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
        for (int i = 0; i < count; i++) {
            int k = wFrom + i * L;
            int at = xFrom + i * 5;
            IntVector word = IntVector.fromArray(I, w, k);
            FloatVector low = word.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high = word.and(HIGH).reinterpretAsFloats();
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
}
