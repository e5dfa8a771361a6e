package dev.quire.kernel.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** The Vector API's forms, one class of tiles for each type of weights. */
final class VectorPanelLoops implements PanelLoops {
    private static final VectorSpecies<Float> F = Species.F;
    private static final VectorSpecies<Integer> I = Species.I;
    private static final int L = Lanes.COUNT;
    /** Sign, exponent and significand of an f16 at their places in an f32, after a shift by 3. */
    private static final int F16_BITS = 0x8fffe000;
    /** Exponent bias 15 read as 127. */
    private static final float F16_SCALE = 0x1p112f;

    @Override
    public void accumulateFloat(
            float[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s, int numRows) {
        FloatTile.accumulate(w, wFrom, x, xFrom, count, sums, s, numRows);
    }

    @Override
    public void accumulateBf16(int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s, int numRows) {
        Bf16Tile.accumulate(w, wFrom, x, xFrom, count, sums, s, numRows);
    }

    @Override
    public int multiplyFloat(
            float[] w,
            int wFrom,
            int panelLength,
            int numPanels,
            float[] x,
            int xFrom,
            int count,
            float[] sums,
            int numRows) {
        int done = 0;
        if (numRows == 1) {
            for (; done <= numPanels - 4; done += 4) {
                FloatTile.fourPanels(w, wFrom + done * panelLength, panelLength, x, xFrom, count, sums, done * 2 * L);
            }
        }
        return done;
    }

    @Override
    public int multiplyBf16(
            int[] w,
            int wFrom,
            int panelLength,
            int numPanels,
            float[] x,
            int xFrom,
            int count,
            float[] sums,
            int numRows) {
        return numRows > 2 ? 0 : Bf16Tile.multiply(w, wFrom, panelLength, numPanels, x, xFrom, count, sums, numRows);
    }

    @Override
    public void unpackF16(int[] src, int from, int count, float[] dst) {
        for (int i = 0; i < count * L; i += L) {
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
    public void unpackGroup(
            int numBits,
            int[] src,
            int from,
            int numWords,
            float[] scales,
            float[] biases,
            int scale,
            float[] dst,
            int to) {
        boolean symmetric = biases.length == 0;
        if (numBits == 8 && symmetric) {
            GroupTile.unpack8(src, from, numWords, scales, scale, dst, to);
        } else if (numBits == 8) {
            GroupTile.unpack8(src, from, numWords, scales, biases, scale, dst, to);
        } else if (symmetric) {
            GroupTile.unpack4(src, from, numWords, scales, scale, dst, to);
        } else {
            GroupTile.unpack4(src, from, numWords, scales, biases, scale, dst, to);
        }
    }

    @Override
    public void accumulateGroup(
            int numBits,
            int[] src,
            int from,
            int numWords,
            float[] scales,
            float[] biases,
            int scale,
            float[] x,
            int xFrom,
            float[] sums,
            int s) {
        boolean symmetric = biases.length == 0;
        if (numBits == 8 && symmetric) {
            GroupTile.accumulate8(src, from, numWords, scales, scale, x, xFrom, sums, s);
        } else if (numBits == 8) {
            GroupTile.accumulate8(src, from, numWords, scales, biases, scale, x, xFrom, sums, s);
        } else if (symmetric) {
            GroupTile.accumulate4(src, from, numWords, scales, scale, x, xFrom, sums, s);
        } else {
            GroupTile.accumulate4(src, from, numWords, scales, biases, scale, x, xFrom, sums, s);
        }
    }

    @Override
    public void copyPanel(float[] src, int from, float[] dst, int to) {
        FloatVector.fromArray(F, src, from).intoArray(dst, to);
        FloatVector.fromArray(F, src, from + L).intoArray(dst, to + L);
    }
}
