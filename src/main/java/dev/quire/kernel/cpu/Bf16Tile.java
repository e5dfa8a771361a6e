package dev.quire.kernel.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Panels of bf16 weights times one to five activation rows over all columns, converted in registers: for decode, where
 * the stored bytes are read once and are the bound. The chains are those of {@link FloatTile}, so are the bits.
 */
final class Bf16Tile {
    private static final VectorSpecies<Float> F = Lanes.F;
    private static final VectorSpecies<Integer> I = Lanes.I;
    private static final int L = Lanes.COUNT;
    private static final int HIGH = 0xffff0000;

    private Bf16Tile() {}

    /** As {@link PackedMatrix#multiply}, from word wFrom of w, panels panelLength words apart. */
    static void multiply(
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
                int from = wFrom + panel * panelLength;
                fourPanels(w, from, panelLength, x, xFrom, count, sums, panel * 2 * L);
            }
        } else if (numRows == 2) {
            for (; panel <= numPanels - 2; panel += 2) {
                int from = wFrom + panel * panelLength;
                twoPanels(w, from, panelLength, x, xFrom, count, sums, panel * 4 * L);
            }
        }
        for (; panel < numPanels; panel++) {
            int from = wFrom + panel * panelLength;
            int s = panel * numRows * 2 * L;
            switch (numRows) {
                case 1 -> tile1(w, from, x, xFrom, count, sums, s);
                case 2 -> tile2(w, from, x, xFrom, count, sums, s);
                case 3 -> tile3(w, from, x, xFrom, count, sums, s);
                case 4 -> tile4(w, from, x, xFrom, count, sums, s);
                default -> tile5(w, from, x, xFrom, count, sums, s);
            }
        }
    }

    /** Four panels, one row. */
    private static void fourPanels(
            int[] w, int wFrom, int panelLength, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a00 = FloatVector.zero(F);
        FloatVector b00 = FloatVector.zero(F);
        FloatVector a10 = FloatVector.zero(F);
        FloatVector b10 = FloatVector.zero(F);
        FloatVector a20 = FloatVector.zero(F);
        FloatVector b20 = FloatVector.zero(F);
        FloatVector a30 = FloatVector.zero(F);
        FloatVector b30 = FloatVector.zero(F);
        int w1 = panelLength;
        int w2 = 2 * panelLength;
        int w3 = 3 * panelLength;
        int end = wFrom + count * L;
        for (int k = wFrom, at = xFrom; k != end; k += L, at++) {
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            IntVector word0 = IntVector.fromArray(I, w, k);
            FloatVector low0 = word0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high0 = word0.and(HIGH).reinterpretAsFloats();
            a00 = low0.fma(x0, a00);
            b00 = high0.fma(x0, b00);
            IntVector word1 = IntVector.fromArray(I, w, k + w1);
            FloatVector low1 = word1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high1 = word1.and(HIGH).reinterpretAsFloats();
            a10 = low1.fma(x0, a10);
            b10 = high1.fma(x0, b10);
            IntVector word2 = IntVector.fromArray(I, w, k + w2);
            FloatVector low2 = word2.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high2 = word2.and(HIGH).reinterpretAsFloats();
            a20 = low2.fma(x0, a20);
            b20 = high2.fma(x0, b20);
            IntVector word3 = IntVector.fromArray(I, w, k + w3);
            FloatVector low3 = word3.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high3 = word3.and(HIGH).reinterpretAsFloats();
            a30 = low3.fma(x0, a30);
            b30 = high3.fma(x0, b30);
        }
        a00.intoArray(sums, s);
        b00.intoArray(sums, s + L);
        a10.intoArray(sums, s + 2 * L);
        b10.intoArray(sums, s + 3 * L);
        a20.intoArray(sums, s + 4 * L);
        b20.intoArray(sums, s + 5 * L);
        a30.intoArray(sums, s + 6 * L);
        b30.intoArray(sums, s + 7 * L);
    }

    /** Two panels, two rows. */
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

    /** One panel, one row. */
    private static void tile1(int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a00 = FloatVector.zero(F);
        FloatVector b00 = FloatVector.zero(F);
        int end = wFrom + count * L;
        for (int k = wFrom, at = xFrom; k != end; k += L, at++) {
            IntVector word0 = IntVector.fromArray(I, w, k);
            FloatVector low0 = word0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high0 = word0.and(HIGH).reinterpretAsFloats();
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a00 = low0.fma(x0, a00);
            b00 = high0.fma(x0, b00);
        }
        a00.intoArray(sums, s);
        b00.intoArray(sums, s + L);
    }

    /** One panel, two rows. */
    private static void tile2(int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a00 = FloatVector.zero(F);
        FloatVector b00 = FloatVector.zero(F);
        FloatVector a01 = FloatVector.zero(F);
        FloatVector b01 = FloatVector.zero(F);
        int end = wFrom + count * L;
        for (int k = wFrom, at = xFrom; k != end; k += L, at += 2) {
            IntVector word0 = IntVector.fromArray(I, w, k);
            FloatVector low0 = word0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high0 = word0.and(HIGH).reinterpretAsFloats();
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a00 = low0.fma(x0, a00);
            b00 = high0.fma(x0, b00);
            FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
            a01 = low0.fma(x1, a01);
            b01 = high0.fma(x1, b01);
        }
        a00.intoArray(sums, s);
        b00.intoArray(sums, s + L);
        a01.intoArray(sums, s + 2 * L);
        b01.intoArray(sums, s + 3 * L);
    }

    /** One panel, three rows. */
    private static void tile3(int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a00 = FloatVector.zero(F);
        FloatVector b00 = FloatVector.zero(F);
        FloatVector a01 = FloatVector.zero(F);
        FloatVector b01 = FloatVector.zero(F);
        FloatVector a02 = FloatVector.zero(F);
        FloatVector b02 = FloatVector.zero(F);
        int end = wFrom + count * L;
        for (int k = wFrom, at = xFrom; k != end; k += L, at += 3) {
            IntVector word0 = IntVector.fromArray(I, w, k);
            FloatVector low0 = word0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high0 = word0.and(HIGH).reinterpretAsFloats();
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a00 = low0.fma(x0, a00);
            b00 = high0.fma(x0, b00);
            FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
            a01 = low0.fma(x1, a01);
            b01 = high0.fma(x1, b01);
            FloatVector x2 = FloatVector.broadcast(F, x[at + 2]);
            a02 = low0.fma(x2, a02);
            b02 = high0.fma(x2, b02);
        }
        a00.intoArray(sums, s);
        b00.intoArray(sums, s + L);
        a01.intoArray(sums, s + 2 * L);
        b01.intoArray(sums, s + 3 * L);
        a02.intoArray(sums, s + 4 * L);
        b02.intoArray(sums, s + 5 * L);
    }

    /** One panel, four rows. */
    private static void tile4(int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a00 = FloatVector.zero(F);
        FloatVector b00 = FloatVector.zero(F);
        FloatVector a01 = FloatVector.zero(F);
        FloatVector b01 = FloatVector.zero(F);
        FloatVector a02 = FloatVector.zero(F);
        FloatVector b02 = FloatVector.zero(F);
        FloatVector a03 = FloatVector.zero(F);
        FloatVector b03 = FloatVector.zero(F);
        int end = wFrom + count * L;
        for (int k = wFrom, at = xFrom; k != end; k += L, at += 4) {
            IntVector word0 = IntVector.fromArray(I, w, k);
            FloatVector low0 = word0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high0 = word0.and(HIGH).reinterpretAsFloats();
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a00 = low0.fma(x0, a00);
            b00 = high0.fma(x0, b00);
            FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
            a01 = low0.fma(x1, a01);
            b01 = high0.fma(x1, b01);
            FloatVector x2 = FloatVector.broadcast(F, x[at + 2]);
            a02 = low0.fma(x2, a02);
            b02 = high0.fma(x2, b02);
            FloatVector x3 = FloatVector.broadcast(F, x[at + 3]);
            a03 = low0.fma(x3, a03);
            b03 = high0.fma(x3, b03);
        }
        a00.intoArray(sums, s);
        b00.intoArray(sums, s + L);
        a01.intoArray(sums, s + 2 * L);
        b01.intoArray(sums, s + 3 * L);
        a02.intoArray(sums, s + 4 * L);
        b02.intoArray(sums, s + 5 * L);
        a03.intoArray(sums, s + 6 * L);
        b03.intoArray(sums, s + 7 * L);
    }

    /** One panel, five rows. */
    private static void tile5(int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s) {
        FloatVector a00 = FloatVector.zero(F);
        FloatVector b00 = FloatVector.zero(F);
        FloatVector a01 = FloatVector.zero(F);
        FloatVector b01 = FloatVector.zero(F);
        FloatVector a02 = FloatVector.zero(F);
        FloatVector b02 = FloatVector.zero(F);
        FloatVector a03 = FloatVector.zero(F);
        FloatVector b03 = FloatVector.zero(F);
        FloatVector a04 = FloatVector.zero(F);
        FloatVector b04 = FloatVector.zero(F);
        int end = wFrom + count * L;
        for (int k = wFrom, at = xFrom; k != end; k += L, at += 5) {
            IntVector word0 = IntVector.fromArray(I, w, k);
            FloatVector low0 = word0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector high0 = word0.and(HIGH).reinterpretAsFloats();
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a00 = low0.fma(x0, a00);
            b00 = high0.fma(x0, b00);
            FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
            a01 = low0.fma(x1, a01);
            b01 = high0.fma(x1, b01);
            FloatVector x2 = FloatVector.broadcast(F, x[at + 2]);
            a02 = low0.fma(x2, a02);
            b02 = high0.fma(x2, b02);
            FloatVector x3 = FloatVector.broadcast(F, x[at + 3]);
            a03 = low0.fma(x3, a03);
            b03 = high0.fma(x3, b03);
            FloatVector x4 = FloatVector.broadcast(F, x[at + 4]);
            a04 = low0.fma(x4, a04);
            b04 = high0.fma(x4, b04);
        }
        a00.intoArray(sums, s);
        b00.intoArray(sums, s + L);
        a01.intoArray(sums, s + 2 * L);
        b01.intoArray(sums, s + 3 * L);
        a02.intoArray(sums, s + 4 * L);
        b02.intoArray(sums, s + 5 * L);
        a03.intoArray(sums, s + 6 * L);
        b03.intoArray(sums, s + 7 * L);
        a04.intoArray(sums, s + 8 * L);
        b04.intoArray(sums, s + 9 * L);
    }
}
