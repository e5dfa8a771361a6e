package dev.quire.kernel.cpu;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Integer panels of {@link GroupMatrix}, written out for each width: unpacking into f32, and products of one row
 * straight from the words with the bits of {@link FloatTile} on unpacked ones. An iteration takes two columns.
 *
 * <p>An integer q of n bits becomes a float without a conversion: put at the top of the significand of 1.0 it is
 * 1 + q / 2ⁿ. Vectors stay local to one method, and no operation with a deep call chain ({@code convert}) is used: what
 * the older compiler does not inline it boxes. And each method is longer than the 325 bytecodes up to which it would be
 * inlined: several of them in one caller are more than that compiler takes at once. Hence the checks of whole ranges.
 */
final class GroupTile {
    private static final VectorSpecies<Float> F = Species.F;
    private static final VectorSpecies<Integer> I = Species.I;
    private static final int L = Lanes.COUNT;

    /** The bits of 1.0f, and where an integer lies in its significand. */
    private static final int ONE = 0x3f800000;

    private static final int MASK_8 = 0x007f8000;
    private static final int MASK_4 = 0x00780000;
    /** 1 + 2^(n-1) / 2ⁿ, taken off again: the zero point in the middle. */
    private static final float SYMMETRIC_BIAS = -1.5f;

    private GroupTile() {}

    static void unpack8(int[] src, int from, int numWords, float[] scales, int scale, float[] dst, int to) {
        Objects.checkFromIndexSize(from, numWords * L, src.length);
        Objects.checkFromIndexSize(to, numWords * 4 * L, dst.length);
        Objects.checkFromIndexSize(scale, 2 * L, scales.length);
        IntVector mask = IntVector.broadcast(I, MASK_8);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = low.mul(SYMMETRIC_BIAS);
        FloatVector highBias = high.mul(SYMMETRIC_BIAS);
        for (int i = 0; i < numWords; i++) {
            IntVector word = IntVector.fromArray(I, src, from + i * L);
            int at = to + 4 * i * L;
            FloatVector v0 = word.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
            v0.fma(low, lowBias).intoArray(dst, at);
            FloatVector v1 = word.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
            v1.fma(high, highBias).intoArray(dst, at + L);
            FloatVector v2 = word.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
            v2.fma(low, lowBias).intoArray(dst, at + 2 * L);
            FloatVector v3 = word.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
            v3.fma(high, highBias).intoArray(dst, at + 3 * L);
        }
    }

    static void unpack8(
            int[] src, int from, int numWords, float[] scales, float[] biases, int scale, float[] dst, int to) {
        Objects.checkFromIndexSize(from, numWords * L, src.length);
        Objects.checkFromIndexSize(to, numWords * 4 * L, dst.length);
        Objects.checkFromIndexSize(scale, 2 * L, scales.length);
        IntVector mask = IntVector.broadcast(I, MASK_8);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, biases, scale);
        FloatVector highBias = FloatVector.fromArray(F, biases, scale + L);
        for (int i = 0; i < numWords; i++) {
            IntVector word = IntVector.fromArray(I, src, from + i * L);
            int at = to + 4 * i * L;
            FloatVector v0 = word.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
            v0.fma(low, lowBias).intoArray(dst, at);
            FloatVector v1 = word.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
            v1.fma(high, highBias).intoArray(dst, at + L);
            FloatVector v2 = word.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
            v2.fma(low, lowBias).intoArray(dst, at + 2 * L);
            FloatVector v3 = word.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
            v3.fma(high, highBias).intoArray(dst, at + 3 * L);
        }
    }

    static void unpack4(int[] src, int from, int numWords, float[] scales, int scale, float[] dst, int to) {
        Objects.checkFromIndexSize(from, numWords * L, src.length);
        Objects.checkFromIndexSize(to, numWords * 8 * L, dst.length);
        Objects.checkFromIndexSize(scale, 2 * L, scales.length);
        IntVector mask = IntVector.broadcast(I, MASK_4);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = low.mul(SYMMETRIC_BIAS);
        FloatVector highBias = high.mul(SYMMETRIC_BIAS);
        for (int i = 0; i < 2 * numWords; i++) {
            IntVector both = IntVector.fromArray(I, src, from + (i >> 1) * L);
            IntVector word = both.lanewise(LSHR, (i & 1) << 4);
            int at = to + 4 * i * L;
            FloatVector v0 = word.lanewise(LSHL, 19).and(mask).or(one).reinterpretAsFloats();
            v0.fma(low, lowBias).intoArray(dst, at);
            FloatVector v1 = word.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
            v1.fma(high, highBias).intoArray(dst, at + L);
            FloatVector v2 = word.lanewise(LSHL, 11).and(mask).or(one).reinterpretAsFloats();
            v2.fma(low, lowBias).intoArray(dst, at + 2 * L);
            FloatVector v3 = word.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
            v3.fma(high, highBias).intoArray(dst, at + 3 * L);
        }
    }

    static void unpack4(
            int[] src, int from, int numWords, float[] scales, float[] biases, int scale, float[] dst, int to) {
        Objects.checkFromIndexSize(from, numWords * L, src.length);
        Objects.checkFromIndexSize(to, numWords * 8 * L, dst.length);
        Objects.checkFromIndexSize(scale, 2 * L, scales.length);
        IntVector mask = IntVector.broadcast(I, MASK_4);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, biases, scale);
        FloatVector highBias = FloatVector.fromArray(F, biases, scale + L);
        for (int i = 0; i < 2 * numWords; i++) {
            IntVector both = IntVector.fromArray(I, src, from + (i >> 1) * L);
            IntVector word = both.lanewise(LSHR, (i & 1) << 4);
            int at = to + 4 * i * L;
            FloatVector v0 = word.lanewise(LSHL, 19).and(mask).or(one).reinterpretAsFloats();
            v0.fma(low, lowBias).intoArray(dst, at);
            FloatVector v1 = word.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
            v1.fma(high, highBias).intoArray(dst, at + L);
            FloatVector v2 = word.lanewise(LSHL, 11).and(mask).or(one).reinterpretAsFloats();
            v2.fma(low, lowBias).intoArray(dst, at + 2 * L);
            FloatVector v3 = word.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
            v3.fma(high, highBias).intoArray(dst, at + 3 * L);
        }
    }

    static void accumulate8(
            int[] w, int from, int numWords, float[] scales, int scale, float[] x, int xFrom, float[] sums, int s) {
        IntVector mask = IntVector.broadcast(I, MASK_8);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = low.mul(SYMMETRIC_BIAS);
        FloatVector highBias = high.mul(SYMMETRIC_BIAS);
        FloatVector a = FloatVector.fromArray(F, sums, s);
        FloatVector b = FloatVector.fromArray(F, sums, s + L);
        int end = from + numWords * L;
        for (int k = from, at = xFrom; k != end; k += L, at += 2) {
            IntVector word = IntVector.fromArray(I, w, k);
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            FloatVector a0 = word.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
            a = a0.fma(low, lowBias).fma(x0, a);
            FloatVector b0 = word.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
            b = b0.fma(high, highBias).fma(x0, b);
            FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
            FloatVector a1 = word.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
            a = a1.fma(low, lowBias).fma(x1, a);
            FloatVector b1 = word.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
            b = b1.fma(high, highBias).fma(x1, b);
        }
        a.intoArray(sums, s);
        b.intoArray(sums, s + L);
    }

    static void accumulate8(
            int[] w,
            int from,
            int numWords,
            float[] scales,
            float[] biases,
            int scale,
            float[] x,
            int xFrom,
            float[] sums,
            int s) {
        IntVector mask = IntVector.broadcast(I, MASK_8);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, biases, scale);
        FloatVector highBias = FloatVector.fromArray(F, biases, scale + L);
        FloatVector a = FloatVector.fromArray(F, sums, s);
        FloatVector b = FloatVector.fromArray(F, sums, s + L);
        int end = from + numWords * L;
        for (int k = from, at = xFrom; k != end; k += L, at += 2) {
            IntVector word = IntVector.fromArray(I, w, k);
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            FloatVector a0 = word.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
            a = a0.fma(low, lowBias).fma(x0, a);
            FloatVector b0 = word.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
            b = b0.fma(high, highBias).fma(x0, b);
            FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
            FloatVector a1 = word.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
            a = a1.fma(low, lowBias).fma(x1, a);
            FloatVector b1 = word.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
            b = b1.fma(high, highBias).fma(x1, b);
        }
        a.intoArray(sums, s);
        b.intoArray(sums, s + L);
    }

    static void accumulate4(
            int[] w, int from, int numWords, float[] scales, int scale, float[] x, int xFrom, float[] sums, int s) {
        IntVector mask = IntVector.broadcast(I, MASK_4);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = low.mul(SYMMETRIC_BIAS);
        FloatVector highBias = high.mul(SYMMETRIC_BIAS);
        FloatVector a = FloatVector.fromArray(F, sums, s);
        FloatVector b = FloatVector.fromArray(F, sums, s + L);
        for (int i = 0; i < 2 * numWords; i++) {
            IntVector both = IntVector.fromArray(I, w, from + (i >> 1) * L);
            IntVector word = both.lanewise(LSHR, (i & 1) << 4);
            FloatVector x0 = FloatVector.broadcast(F, x[xFrom + 2 * i]);
            FloatVector a0 = word.lanewise(LSHL, 19).and(mask).or(one).reinterpretAsFloats();
            a = a0.fma(low, lowBias).fma(x0, a);
            FloatVector b0 = word.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
            b = b0.fma(high, highBias).fma(x0, b);
            FloatVector x1 = FloatVector.broadcast(F, x[xFrom + 2 * i + 1]);
            FloatVector a1 = word.lanewise(LSHL, 11).and(mask).or(one).reinterpretAsFloats();
            a = a1.fma(low, lowBias).fma(x1, a);
            FloatVector b1 = word.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
            b = b1.fma(high, highBias).fma(x1, b);
        }
        a.intoArray(sums, s);
        b.intoArray(sums, s + L);
    }

    static void accumulate4(
            int[] w,
            int from,
            int numWords,
            float[] scales,
            float[] biases,
            int scale,
            float[] x,
            int xFrom,
            float[] sums,
            int s) {
        IntVector mask = IntVector.broadcast(I, MASK_4);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, biases, scale);
        FloatVector highBias = FloatVector.fromArray(F, biases, scale + L);
        FloatVector a = FloatVector.fromArray(F, sums, s);
        FloatVector b = FloatVector.fromArray(F, sums, s + L);
        for (int i = 0; i < 2 * numWords; i++) {
            IntVector both = IntVector.fromArray(I, w, from + (i >> 1) * L);
            IntVector word = both.lanewise(LSHR, (i & 1) << 4);
            FloatVector x0 = FloatVector.broadcast(F, x[xFrom + 2 * i]);
            FloatVector a0 = word.lanewise(LSHL, 19).and(mask).or(one).reinterpretAsFloats();
            a = a0.fma(low, lowBias).fma(x0, a);
            FloatVector b0 = word.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
            b = b0.fma(high, highBias).fma(x0, b);
            FloatVector x1 = FloatVector.broadcast(F, x[xFrom + 2 * i + 1]);
            FloatVector a1 = word.lanewise(LSHL, 11).and(mask).or(one).reinterpretAsFloats();
            a = a1.fma(low, lowBias).fma(x1, a);
            FloatVector b1 = word.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
            b = b1.fma(high, highBias).fma(x1, b);
        }
        a.intoArray(sums, s);
        b.intoArray(sums, s + L);
    }
}
