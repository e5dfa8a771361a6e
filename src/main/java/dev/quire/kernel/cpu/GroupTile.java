package dev.quire.kernel.cpu;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Panels of codes of 4 and 8 bits, see {@link PanelCodes}, written out for each: unpacking into f32, and products of one
 * row straight from the words with the bits of {@link FloatTile} on unpacked ones. Two panels at a time: the chains of
 * one alone would wait for themselves.
 *
 * <p>An integer q of n bits becomes a float without a conversion: put at the top of the significand of 1.0 it is
 * 1 + q / 2ⁿ. An 8-bit float's bits, at the places of an f32's, are its value times 2^-120, below its normal numbers too.
 * Vectors stay local to one method, and no operation with a deep call chain ({@code convert}) is used: what
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
    /** Sign, exponent and significand, after an arithmetic shift. */
    private static final int MASK_E4M3 = 0x87f00000;

    private GroupTile() {}

    static void unpack4(int[] w, int from, int numBlocks, float[] scales, int scale, float[] dst, int to) {
        Objects.checkFromIndexSize(from, numBlocks * L, w.length);
        Objects.checkFromIndexSize(to, numBlocks * 8 * L, dst.length);
        Objects.checkFromIndexSize(scale, 4 * L, scales.length);
        IntVector mask = IntVector.broadcast(I, MASK_4);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, scales, scale + 2 * L);
        FloatVector highBias = FloatVector.fromArray(F, scales, scale + 3 * L);
        for (int i = 0; i < numBlocks; i++) {
            IntVector word = IntVector.fromArray(I, w, from + i * L);
            int at = to + 8 * i * L;
            FloatVector v0 = word.lanewise(LSHL, 19).and(mask).or(one).reinterpretAsFloats();
            v0.fma(low, lowBias).intoArray(dst, at);
            FloatVector v1 = word.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
            v1.fma(high, highBias).intoArray(dst, at + L);
            FloatVector v2 = word.lanewise(LSHL, 11).and(mask).or(one).reinterpretAsFloats();
            v2.fma(low, lowBias).intoArray(dst, at + 2 * L);
            FloatVector v3 = word.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
            v3.fma(high, highBias).intoArray(dst, at + 3 * L);
            FloatVector v4 = word.lanewise(LSHL, 3).and(mask).or(one).reinterpretAsFloats();
            v4.fma(low, lowBias).intoArray(dst, at + 4 * L);
            FloatVector v5 = word.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
            v5.fma(high, highBias).intoArray(dst, at + 5 * L);
            FloatVector v6 = word.lanewise(LSHR, 5).and(mask).or(one).reinterpretAsFloats();
            v6.fma(low, lowBias).intoArray(dst, at + 6 * L);
            FloatVector v7 = word.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
            v7.fma(high, highBias).intoArray(dst, at + 7 * L);
        }
    }

    static void unpack8(int[] w, int from, int numBlocks, float[] scales, int scale, float[] dst, int to) {
        Objects.checkFromIndexSize(from, numBlocks * L, w.length);
        Objects.checkFromIndexSize(to, numBlocks * 4 * L, dst.length);
        Objects.checkFromIndexSize(scale, 4 * L, scales.length);
        IntVector mask = IntVector.broadcast(I, MASK_8);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, scales, scale + 2 * L);
        FloatVector highBias = FloatVector.fromArray(F, scales, scale + 3 * L);
        for (int i = 0; i < numBlocks; i++) {
            IntVector word = IntVector.fromArray(I, w, from + i * L);
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

    static void unpackE4m3(int[] w, int from, int numBlocks, float[] scales, int scale, float[] dst, int to) {
        Objects.checkFromIndexSize(from, numBlocks * L, w.length);
        Objects.checkFromIndexSize(to, numBlocks * 4 * L, dst.length);
        Objects.checkFromIndexSize(scale, 4 * L, scales.length);
        IntVector mask = IntVector.broadcast(I, MASK_E4M3);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        for (int i = 0; i < numBlocks; i++) {
            IntVector word = IntVector.fromArray(I, w, from + i * L);
            int at = to + 4 * i * L;
            FloatVector v0 = word.lanewise(LSHL, 24).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
            v0.mul(low).intoArray(dst, at);
            FloatVector v1 = word.lanewise(LSHL, 16).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
            v1.mul(high).intoArray(dst, at + L);
            FloatVector v2 = word.lanewise(LSHL, 8).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
            v2.mul(low).intoArray(dst, at + 2 * L);
            FloatVector v3 = word.lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
            v3.mul(high).intoArray(dst, at + 3 * L);
        }
    }

    static void multiply4(
            int[] w,
            int from,
            int panelLength,
            int numBlocks,
            int groupBlocks,
            float[] scales,
            int stride,
            float[] x,
            int xFrom,
            float[] sums,
            int s) {
        IntVector mask = IntVector.broadcast(I, MASK_4);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector a0 = FloatVector.fromArray(F, sums, s);
        FloatVector b0 = FloatVector.fromArray(F, sums, s + L);
        FloatVector a1 = FloatVector.fromArray(F, sums, s + 2 * L);
        FloatVector b1 = FloatVector.fromArray(F, sums, s + 3 * L);
        for (int first = 0, scale = 0; first < numBlocks; first += groupBlocks, scale += 4 * L) {
            FloatVector low0 = FloatVector.fromArray(F, scales, scale);
            FloatVector high0 = FloatVector.fromArray(F, scales, scale + L);
            FloatVector lowBias0 = FloatVector.fromArray(F, scales, scale + 2 * L);
            FloatVector highBias0 = FloatVector.fromArray(F, scales, scale + 3 * L);
            FloatVector low1 = FloatVector.fromArray(F, scales, stride + scale);
            FloatVector high1 = FloatVector.fromArray(F, scales, stride + scale + L);
            FloatVector lowBias1 = FloatVector.fromArray(F, scales, stride + scale + 2 * L);
            FloatVector highBias1 = FloatVector.fromArray(F, scales, stride + scale + 3 * L);
            int end = from + Math.min(first + groupBlocks, numBlocks) * L;
            for (int k = from + first * L, at = xFrom + 4 * first; k != end; k += L, at += 4) {
                IntVector word0 = IntVector.fromArray(I, w, k);
                IntVector word1 = IntVector.fromArray(I, w, k + panelLength);
                FloatVector x0 = FloatVector.broadcast(F, x[at]);
                FloatVector a0w0 = word0.lanewise(LSHL, 19).and(mask).or(one).reinterpretAsFloats();
                a0 = a0w0.fma(low0, lowBias0).fma(x0, a0);
                FloatVector b0w0 = word0.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
                b0 = b0w0.fma(high0, highBias0).fma(x0, b0);
                FloatVector a1w0 = word1.lanewise(LSHL, 19).and(mask).or(one).reinterpretAsFloats();
                a1 = a1w0.fma(low1, lowBias1).fma(x0, a1);
                FloatVector b1w0 = word1.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
                b1 = b1w0.fma(high1, highBias1).fma(x0, b1);
                FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
                FloatVector a0w1 = word0.lanewise(LSHL, 11).and(mask).or(one).reinterpretAsFloats();
                a0 = a0w1.fma(low0, lowBias0).fma(x1, a0);
                FloatVector b0w1 = word0.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
                b0 = b0w1.fma(high0, highBias0).fma(x1, b0);
                FloatVector a1w1 = word1.lanewise(LSHL, 11).and(mask).or(one).reinterpretAsFloats();
                a1 = a1w1.fma(low1, lowBias1).fma(x1, a1);
                FloatVector b1w1 = word1.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
                b1 = b1w1.fma(high1, highBias1).fma(x1, b1);
                FloatVector x2 = FloatVector.broadcast(F, x[at + 2]);
                FloatVector a0w2 = word0.lanewise(LSHL, 3).and(mask).or(one).reinterpretAsFloats();
                a0 = a0w2.fma(low0, lowBias0).fma(x2, a0);
                FloatVector b0w2 = word0.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
                b0 = b0w2.fma(high0, highBias0).fma(x2, b0);
                FloatVector a1w2 = word1.lanewise(LSHL, 3).and(mask).or(one).reinterpretAsFloats();
                a1 = a1w2.fma(low1, lowBias1).fma(x2, a1);
                FloatVector b1w2 = word1.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
                b1 = b1w2.fma(high1, highBias1).fma(x2, b1);
                FloatVector x3 = FloatVector.broadcast(F, x[at + 3]);
                FloatVector a0w3 = word0.lanewise(LSHR, 5).and(mask).or(one).reinterpretAsFloats();
                a0 = a0w3.fma(low0, lowBias0).fma(x3, a0);
                FloatVector b0w3 = word0.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
                b0 = b0w3.fma(high0, highBias0).fma(x3, b0);
                FloatVector a1w3 = word1.lanewise(LSHR, 5).and(mask).or(one).reinterpretAsFloats();
                a1 = a1w3.fma(low1, lowBias1).fma(x3, a1);
                FloatVector b1w3 = word1.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
                b1 = b1w3.fma(high1, highBias1).fma(x3, b1);
            }
        }
        a0.intoArray(sums, s);
        b0.intoArray(sums, s + L);
        a1.intoArray(sums, s + 2 * L);
        b1.intoArray(sums, s + 3 * L);
    }

    static void multiply8(
            int[] w,
            int from,
            int panelLength,
            int numBlocks,
            int groupBlocks,
            float[] scales,
            int stride,
            float[] x,
            int xFrom,
            float[] sums,
            int s) {
        IntVector mask = IntVector.broadcast(I, MASK_8);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector a0 = FloatVector.fromArray(F, sums, s);
        FloatVector b0 = FloatVector.fromArray(F, sums, s + L);
        FloatVector a1 = FloatVector.fromArray(F, sums, s + 2 * L);
        FloatVector b1 = FloatVector.fromArray(F, sums, s + 3 * L);
        for (int first = 0, scale = 0; first < numBlocks; first += groupBlocks, scale += 4 * L) {
            FloatVector low0 = FloatVector.fromArray(F, scales, scale);
            FloatVector high0 = FloatVector.fromArray(F, scales, scale + L);
            FloatVector lowBias0 = FloatVector.fromArray(F, scales, scale + 2 * L);
            FloatVector highBias0 = FloatVector.fromArray(F, scales, scale + 3 * L);
            FloatVector low1 = FloatVector.fromArray(F, scales, stride + scale);
            FloatVector high1 = FloatVector.fromArray(F, scales, stride + scale + L);
            FloatVector lowBias1 = FloatVector.fromArray(F, scales, stride + scale + 2 * L);
            FloatVector highBias1 = FloatVector.fromArray(F, scales, stride + scale + 3 * L);
            int end = from + Math.min(first + groupBlocks, numBlocks) * L;
            for (int k = from + first * L, at = xFrom + 2 * first; k != end; k += L, at += 2) {
                IntVector word0 = IntVector.fromArray(I, w, k);
                IntVector word1 = IntVector.fromArray(I, w, k + panelLength);
                FloatVector x0 = FloatVector.broadcast(F, x[at]);
                FloatVector a0w0 = word0.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
                a0 = a0w0.fma(low0, lowBias0).fma(x0, a0);
                FloatVector b0w0 = word0.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
                b0 = b0w0.fma(high0, highBias0).fma(x0, b0);
                FloatVector a1w0 = word1.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
                a1 = a1w0.fma(low1, lowBias1).fma(x0, a1);
                FloatVector b1w0 = word1.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
                b1 = b1w0.fma(high1, highBias1).fma(x0, b1);
                FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
                FloatVector a0w1 = word0.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
                a0 = a0w1.fma(low0, lowBias0).fma(x1, a0);
                FloatVector b0w1 = word0.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
                b0 = b0w1.fma(high0, highBias0).fma(x1, b0);
                FloatVector a1w1 = word1.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
                a1 = a1w1.fma(low1, lowBias1).fma(x1, a1);
                FloatVector b1w1 = word1.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
                b1 = b1w1.fma(high1, highBias1).fma(x1, b1);
            }
        }
        a0.intoArray(sums, s);
        b0.intoArray(sums, s + L);
        a1.intoArray(sums, s + 2 * L);
        b1.intoArray(sums, s + 3 * L);
    }

    static void multiplyE4m3(
            int[] w,
            int from,
            int panelLength,
            int numBlocks,
            int groupBlocks,
            float[] scales,
            int stride,
            float[] x,
            int xFrom,
            float[] sums,
            int s) {
        IntVector mask = IntVector.broadcast(I, MASK_E4M3);
        FloatVector a0 = FloatVector.fromArray(F, sums, s);
        FloatVector b0 = FloatVector.fromArray(F, sums, s + L);
        FloatVector a1 = FloatVector.fromArray(F, sums, s + 2 * L);
        FloatVector b1 = FloatVector.fromArray(F, sums, s + 3 * L);
        for (int first = 0, scale = 0; first < numBlocks; first += groupBlocks, scale += 4 * L) {
            FloatVector low0 = FloatVector.fromArray(F, scales, scale);
            FloatVector high0 = FloatVector.fromArray(F, scales, scale + L);
            FloatVector low1 = FloatVector.fromArray(F, scales, stride + scale);
            FloatVector high1 = FloatVector.fromArray(F, scales, stride + scale + L);
            int end = from + Math.min(first + groupBlocks, numBlocks) * L;
            for (int k = from + first * L, at = xFrom + 2 * first; k != end; k += L, at += 2) {
                IntVector word0 = IntVector.fromArray(I, w, k);
                IntVector word1 = IntVector.fromArray(I, w, k + panelLength);
                FloatVector x0 = FloatVector.broadcast(F, x[at]);
                FloatVector a0w0 =
                        word0.lanewise(LSHL, 24).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                a0 = a0w0.mul(low0).fma(x0, a0);
                FloatVector b0w0 =
                        word0.lanewise(LSHL, 16).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                b0 = b0w0.mul(high0).fma(x0, b0);
                FloatVector a1w0 =
                        word1.lanewise(LSHL, 24).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                a1 = a1w0.mul(low1).fma(x0, a1);
                FloatVector b1w0 =
                        word1.lanewise(LSHL, 16).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                b1 = b1w0.mul(high1).fma(x0, b1);
                FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
                FloatVector a0w1 =
                        word0.lanewise(LSHL, 8).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                a0 = a0w1.mul(low0).fma(x1, a0);
                FloatVector b0w1 = word0.lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                b0 = b0w1.mul(high0).fma(x1, b0);
                FloatVector a1w1 =
                        word1.lanewise(LSHL, 8).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                a1 = a1w1.mul(low1).fma(x1, a1);
                FloatVector b1w1 = word1.lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                b1 = b1w1.mul(high1).fma(x1, b1);
            }
        }
        a0.intoArray(sums, s);
        b0.intoArray(sums, s + L);
        a1.intoArray(sums, s + 2 * L);
        b1.intoArray(sums, s + 3 * L);
    }
}
