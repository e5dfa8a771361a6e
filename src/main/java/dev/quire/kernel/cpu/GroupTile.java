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
 * row straight from the words with the bits of {@link ScaledTile} on unpacked ones.
 *
 * <p>Bound: 1 row of 4 bits takes a shift, an and, an or and a multiply-add for 8 weights, of four such instructions a
 * cycle; reading their 4 bytes takes less. Applying scales to sums of a group, not to weights, saves the fifth. Four panels
 * at a time share activations, and their eight chains hide the latency of the multiply-add.
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

    static void unpack4(int[] w, int from, int numBlocks, float[] dst, int to) {
        Objects.checkFromIndexSize(from, numBlocks * L, w.length);
        Objects.checkFromIndexSize(to, numBlocks * 8 * L, dst.length);
        IntVector mask = IntVector.broadcast(I, MASK_4);
        IntVector one = IntVector.broadcast(I, ONE);
        for (int i = 0; i < numBlocks; i++) {
            IntVector word = IntVector.fromArray(I, w, from + i * L);
            int at = to + 8 * i * L;
            FloatVector v0 = word.lanewise(LSHL, 19).and(mask).or(one).reinterpretAsFloats();
            v0.intoArray(dst, at);
            FloatVector v1 = word.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
            v1.intoArray(dst, at + L);
            FloatVector v2 = word.lanewise(LSHL, 11).and(mask).or(one).reinterpretAsFloats();
            v2.intoArray(dst, at + 2 * L);
            FloatVector v3 = word.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
            v3.intoArray(dst, at + 3 * L);
            FloatVector v4 = word.lanewise(LSHL, 3).and(mask).or(one).reinterpretAsFloats();
            v4.intoArray(dst, at + 4 * L);
            FloatVector v5 = word.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
            v5.intoArray(dst, at + 5 * L);
            FloatVector v6 = word.lanewise(LSHR, 5).and(mask).or(one).reinterpretAsFloats();
            v6.intoArray(dst, at + 6 * L);
            FloatVector v7 = word.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
            v7.intoArray(dst, at + 7 * L);
        }
    }

    static void unpack8(int[] w, int from, int numBlocks, float[] dst, int to) {
        Objects.checkFromIndexSize(from, numBlocks * L, w.length);
        Objects.checkFromIndexSize(to, numBlocks * 4 * L, dst.length);
        IntVector mask = IntVector.broadcast(I, MASK_8);
        IntVector one = IntVector.broadcast(I, ONE);
        for (int i = 0; i < numBlocks; i++) {
            IntVector word = IntVector.fromArray(I, w, from + i * L);
            int at = to + 4 * i * L;
            FloatVector v0 = word.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
            v0.intoArray(dst, at);
            FloatVector v1 = word.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
            v1.intoArray(dst, at + L);
            FloatVector v2 = word.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
            v2.intoArray(dst, at + 2 * L);
            FloatVector v3 = word.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
            v3.intoArray(dst, at + 3 * L);
        }
    }

    static void unpackE4m3(int[] w, int from, int numBlocks, float[] dst, int to) {
        Objects.checkFromIndexSize(from, numBlocks * L, w.length);
        Objects.checkFromIndexSize(to, numBlocks * 4 * L, dst.length);
        IntVector mask = IntVector.broadcast(I, MASK_E4M3);
        for (int i = 0; i < numBlocks; i++) {
            IntVector word = IntVector.fromArray(I, w, from + i * L);
            int at = to + 4 * i * L;
            FloatVector v0 = word.lanewise(LSHL, 24).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
            v0.intoArray(dst, at);
            FloatVector v1 = word.lanewise(LSHL, 16).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
            v1.intoArray(dst, at + L);
            FloatVector v2 = word.lanewise(LSHL, 8).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
            v2.intoArray(dst, at + 2 * L);
            FloatVector v3 = word.lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
            v3.intoArray(dst, at + 3 * L);
        }
    }

    static void multiply4(
            int[] w,
            int from,
            int panelLength,
            int numPanels,
            int numBlocks,
            int groupBlocks,
            float[] scales,
            int panelStride,
            int groupStride,
            float[] x,
            int xFrom,
            float[] xSums,
            int xSum,
            float[] sums,
            int s) {
        IntVector mask = IntVector.broadcast(I, MASK_4);
        IntVector one = IntVector.broadcast(I, ONE);
        int last = numPanels - 1;
        int p1 = Math.min(1, last);
        int w1 = p1 * panelLength;
        int p2 = Math.min(2, last);
        int w2 = p2 * panelLength;
        int p3 = Math.min(3, last);
        int w3 = p3 * panelLength;
        for (int first = 0, scale = 0, sum = xSum;
                first < numBlocks;
                first += groupBlocks, scale += groupStride, sum++) {
            FloatVector a0 = FloatVector.zero(F);
            FloatVector b0 = FloatVector.zero(F);
            FloatVector a1 = FloatVector.zero(F);
            FloatVector b1 = FloatVector.zero(F);
            FloatVector a2 = FloatVector.zero(F);
            FloatVector b2 = FloatVector.zero(F);
            FloatVector a3 = FloatVector.zero(F);
            FloatVector b3 = FloatVector.zero(F);
            int end = from + Math.min(first + groupBlocks, numBlocks) * L;
            for (int k = from + first * L, at = xFrom + 4 * first; k != end; k += L, at += 4) {
                IntVector word0 = IntVector.fromArray(I, w, k);
                IntVector word1 = IntVector.fromArray(I, w, k + w1);
                IntVector word2 = IntVector.fromArray(I, w, k + w2);
                IntVector word3 = IntVector.fromArray(I, w, k + w3);
                FloatVector x0 = FloatVector.broadcast(F, x[at]);
                FloatVector a0x0 = word0.lanewise(LSHL, 19).and(mask).or(one).reinterpretAsFloats();
                a0 = a0x0.fma(x0, a0);
                FloatVector b0x0 = word0.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
                b0 = b0x0.fma(x0, b0);
                FloatVector a1x0 = word1.lanewise(LSHL, 19).and(mask).or(one).reinterpretAsFloats();
                a1 = a1x0.fma(x0, a1);
                FloatVector b1x0 = word1.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
                b1 = b1x0.fma(x0, b1);
                FloatVector a2x0 = word2.lanewise(LSHL, 19).and(mask).or(one).reinterpretAsFloats();
                a2 = a2x0.fma(x0, a2);
                FloatVector b2x0 = word2.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
                b2 = b2x0.fma(x0, b2);
                FloatVector a3x0 = word3.lanewise(LSHL, 19).and(mask).or(one).reinterpretAsFloats();
                a3 = a3x0.fma(x0, a3);
                FloatVector b3x0 = word3.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
                b3 = b3x0.fma(x0, b3);
                FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
                FloatVector a0x1 = word0.lanewise(LSHL, 11).and(mask).or(one).reinterpretAsFloats();
                a0 = a0x1.fma(x1, a0);
                FloatVector b0x1 = word0.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
                b0 = b0x1.fma(x1, b0);
                FloatVector a1x1 = word1.lanewise(LSHL, 11).and(mask).or(one).reinterpretAsFloats();
                a1 = a1x1.fma(x1, a1);
                FloatVector b1x1 = word1.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
                b1 = b1x1.fma(x1, b1);
                FloatVector a2x1 = word2.lanewise(LSHL, 11).and(mask).or(one).reinterpretAsFloats();
                a2 = a2x1.fma(x1, a2);
                FloatVector b2x1 = word2.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
                b2 = b2x1.fma(x1, b2);
                FloatVector a3x1 = word3.lanewise(LSHL, 11).and(mask).or(one).reinterpretAsFloats();
                a3 = a3x1.fma(x1, a3);
                FloatVector b3x1 = word3.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
                b3 = b3x1.fma(x1, b3);
                FloatVector x2 = FloatVector.broadcast(F, x[at + 2]);
                FloatVector a0x2 = word0.lanewise(LSHL, 3).and(mask).or(one).reinterpretAsFloats();
                a0 = a0x2.fma(x2, a0);
                FloatVector b0x2 = word0.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
                b0 = b0x2.fma(x2, b0);
                FloatVector a1x2 = word1.lanewise(LSHL, 3).and(mask).or(one).reinterpretAsFloats();
                a1 = a1x2.fma(x2, a1);
                FloatVector b1x2 = word1.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
                b1 = b1x2.fma(x2, b1);
                FloatVector a2x2 = word2.lanewise(LSHL, 3).and(mask).or(one).reinterpretAsFloats();
                a2 = a2x2.fma(x2, a2);
                FloatVector b2x2 = word2.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
                b2 = b2x2.fma(x2, b2);
                FloatVector a3x2 = word3.lanewise(LSHL, 3).and(mask).or(one).reinterpretAsFloats();
                a3 = a3x2.fma(x2, a3);
                FloatVector b3x2 = word3.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
                b3 = b3x2.fma(x2, b3);
                FloatVector x3 = FloatVector.broadcast(F, x[at + 3]);
                FloatVector a0x3 = word0.lanewise(LSHR, 5).and(mask).or(one).reinterpretAsFloats();
                a0 = a0x3.fma(x3, a0);
                FloatVector b0x3 = word0.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
                b0 = b0x3.fma(x3, b0);
                FloatVector a1x3 = word1.lanewise(LSHR, 5).and(mask).or(one).reinterpretAsFloats();
                a1 = a1x3.fma(x3, a1);
                FloatVector b1x3 = word1.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
                b1 = b1x3.fma(x3, b1);
                FloatVector a2x3 = word2.lanewise(LSHR, 5).and(mask).or(one).reinterpretAsFloats();
                a2 = a2x3.fma(x3, a2);
                FloatVector b2x3 = word2.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
                b2 = b2x3.fma(x3, b2);
                FloatVector a3x3 = word3.lanewise(LSHR, 5).and(mask).or(one).reinterpretAsFloats();
                a3 = a3x3.fma(x3, a3);
                FloatVector b3x3 = word3.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
                b3 = b3x3.fma(x3, b3);
            }
            FloatVector xGroup = FloatVector.broadcast(F, xSums[sum]);
            int s0 = scale;
            a0 = a0.fma(FloatVector.fromArray(F, scales, s0), FloatVector.fromArray(F, sums, s));
            a0 = FloatVector.fromArray(F, scales, s0 + 2 * L).fma(xGroup, a0);
            a0.intoArray(sums, s);
            b0 = b0.fma(FloatVector.fromArray(F, scales, s0 + L), FloatVector.fromArray(F, sums, s + L));
            b0 = FloatVector.fromArray(F, scales, s0 + 3 * L).fma(xGroup, b0);
            b0.intoArray(sums, s + L);
            int s1 = scale + p1 * panelStride;
            a1 = a1.fma(FloatVector.fromArray(F, scales, s1), FloatVector.fromArray(F, sums, s + 2 * L));
            a1 = FloatVector.fromArray(F, scales, s1 + 2 * L).fma(xGroup, a1);
            a1.intoArray(sums, s + 2 * L);
            b1 = b1.fma(FloatVector.fromArray(F, scales, s1 + L), FloatVector.fromArray(F, sums, s + 3 * L));
            b1 = FloatVector.fromArray(F, scales, s1 + 3 * L).fma(xGroup, b1);
            b1.intoArray(sums, s + 3 * L);
            int s2 = scale + p2 * panelStride;
            a2 = a2.fma(FloatVector.fromArray(F, scales, s2), FloatVector.fromArray(F, sums, s + 4 * L));
            a2 = FloatVector.fromArray(F, scales, s2 + 2 * L).fma(xGroup, a2);
            a2.intoArray(sums, s + 4 * L);
            b2 = b2.fma(FloatVector.fromArray(F, scales, s2 + L), FloatVector.fromArray(F, sums, s + 5 * L));
            b2 = FloatVector.fromArray(F, scales, s2 + 3 * L).fma(xGroup, b2);
            b2.intoArray(sums, s + 5 * L);
            int s3 = scale + p3 * panelStride;
            a3 = a3.fma(FloatVector.fromArray(F, scales, s3), FloatVector.fromArray(F, sums, s + 6 * L));
            a3 = FloatVector.fromArray(F, scales, s3 + 2 * L).fma(xGroup, a3);
            a3.intoArray(sums, s + 6 * L);
            b3 = b3.fma(FloatVector.fromArray(F, scales, s3 + L), FloatVector.fromArray(F, sums, s + 7 * L));
            b3 = FloatVector.fromArray(F, scales, s3 + 3 * L).fma(xGroup, b3);
            b3.intoArray(sums, s + 7 * L);
        }
    }

    static void multiply8(
            int[] w,
            int from,
            int panelLength,
            int numPanels,
            int numBlocks,
            int groupBlocks,
            float[] scales,
            int panelStride,
            int groupStride,
            float[] x,
            int xFrom,
            float[] xSums,
            int xSum,
            float[] sums,
            int s) {
        IntVector mask = IntVector.broadcast(I, MASK_8);
        IntVector one = IntVector.broadcast(I, ONE);
        int last = numPanels - 1;
        int p1 = Math.min(1, last);
        int w1 = p1 * panelLength;
        int p2 = Math.min(2, last);
        int w2 = p2 * panelLength;
        int p3 = Math.min(3, last);
        int w3 = p3 * panelLength;
        for (int first = 0, scale = 0, sum = xSum;
                first < numBlocks;
                first += groupBlocks, scale += groupStride, sum++) {
            FloatVector a0 = FloatVector.zero(F);
            FloatVector b0 = FloatVector.zero(F);
            FloatVector a1 = FloatVector.zero(F);
            FloatVector b1 = FloatVector.zero(F);
            FloatVector a2 = FloatVector.zero(F);
            FloatVector b2 = FloatVector.zero(F);
            FloatVector a3 = FloatVector.zero(F);
            FloatVector b3 = FloatVector.zero(F);
            int end = from + Math.min(first + groupBlocks, numBlocks) * L;
            for (int k = from + first * L, at = xFrom + 2 * first; k != end; k += L, at += 2) {
                IntVector word0 = IntVector.fromArray(I, w, k);
                IntVector word1 = IntVector.fromArray(I, w, k + w1);
                IntVector word2 = IntVector.fromArray(I, w, k + w2);
                IntVector word3 = IntVector.fromArray(I, w, k + w3);
                FloatVector x0 = FloatVector.broadcast(F, x[at]);
                FloatVector a0x0 = word0.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
                a0 = a0x0.fma(x0, a0);
                FloatVector b0x0 = word0.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
                b0 = b0x0.fma(x0, b0);
                FloatVector a1x0 = word1.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
                a1 = a1x0.fma(x0, a1);
                FloatVector b1x0 = word1.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
                b1 = b1x0.fma(x0, b1);
                FloatVector a2x0 = word2.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
                a2 = a2x0.fma(x0, a2);
                FloatVector b2x0 = word2.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
                b2 = b2x0.fma(x0, b2);
                FloatVector a3x0 = word3.lanewise(LSHL, 15).and(mask).or(one).reinterpretAsFloats();
                a3 = a3x0.fma(x0, a3);
                FloatVector b3x0 = word3.lanewise(LSHL, 7).and(mask).or(one).reinterpretAsFloats();
                b3 = b3x0.fma(x0, b3);
                FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
                FloatVector a0x1 = word0.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
                a0 = a0x1.fma(x1, a0);
                FloatVector b0x1 = word0.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
                b0 = b0x1.fma(x1, b0);
                FloatVector a1x1 = word1.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
                a1 = a1x1.fma(x1, a1);
                FloatVector b1x1 = word1.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
                b1 = b1x1.fma(x1, b1);
                FloatVector a2x1 = word2.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
                a2 = a2x1.fma(x1, a2);
                FloatVector b2x1 = word2.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
                b2 = b2x1.fma(x1, b2);
                FloatVector a3x1 = word3.lanewise(LSHR, 1).and(mask).or(one).reinterpretAsFloats();
                a3 = a3x1.fma(x1, a3);
                FloatVector b3x1 = word3.lanewise(LSHR, 9).and(mask).or(one).reinterpretAsFloats();
                b3 = b3x1.fma(x1, b3);
            }
            FloatVector xGroup = FloatVector.broadcast(F, xSums[sum]);
            int s0 = scale;
            a0 = a0.fma(FloatVector.fromArray(F, scales, s0), FloatVector.fromArray(F, sums, s));
            a0 = FloatVector.fromArray(F, scales, s0 + 2 * L).fma(xGroup, a0);
            a0.intoArray(sums, s);
            b0 = b0.fma(FloatVector.fromArray(F, scales, s0 + L), FloatVector.fromArray(F, sums, s + L));
            b0 = FloatVector.fromArray(F, scales, s0 + 3 * L).fma(xGroup, b0);
            b0.intoArray(sums, s + L);
            int s1 = scale + p1 * panelStride;
            a1 = a1.fma(FloatVector.fromArray(F, scales, s1), FloatVector.fromArray(F, sums, s + 2 * L));
            a1 = FloatVector.fromArray(F, scales, s1 + 2 * L).fma(xGroup, a1);
            a1.intoArray(sums, s + 2 * L);
            b1 = b1.fma(FloatVector.fromArray(F, scales, s1 + L), FloatVector.fromArray(F, sums, s + 3 * L));
            b1 = FloatVector.fromArray(F, scales, s1 + 3 * L).fma(xGroup, b1);
            b1.intoArray(sums, s + 3 * L);
            int s2 = scale + p2 * panelStride;
            a2 = a2.fma(FloatVector.fromArray(F, scales, s2), FloatVector.fromArray(F, sums, s + 4 * L));
            a2 = FloatVector.fromArray(F, scales, s2 + 2 * L).fma(xGroup, a2);
            a2.intoArray(sums, s + 4 * L);
            b2 = b2.fma(FloatVector.fromArray(F, scales, s2 + L), FloatVector.fromArray(F, sums, s + 5 * L));
            b2 = FloatVector.fromArray(F, scales, s2 + 3 * L).fma(xGroup, b2);
            b2.intoArray(sums, s + 5 * L);
            int s3 = scale + p3 * panelStride;
            a3 = a3.fma(FloatVector.fromArray(F, scales, s3), FloatVector.fromArray(F, sums, s + 6 * L));
            a3 = FloatVector.fromArray(F, scales, s3 + 2 * L).fma(xGroup, a3);
            a3.intoArray(sums, s + 6 * L);
            b3 = b3.fma(FloatVector.fromArray(F, scales, s3 + L), FloatVector.fromArray(F, sums, s + 7 * L));
            b3 = FloatVector.fromArray(F, scales, s3 + 3 * L).fma(xGroup, b3);
            b3.intoArray(sums, s + 7 * L);
        }
    }

    static void multiplyE4m3(
            int[] w,
            int from,
            int panelLength,
            int numPanels,
            int numBlocks,
            int groupBlocks,
            float[] scales,
            int panelStride,
            int groupStride,
            float[] x,
            int xFrom,
            float[] xSums,
            int xSum,
            float[] sums,
            int s) {
        IntVector mask = IntVector.broadcast(I, MASK_E4M3);
        int last = numPanels - 1;
        int p1 = Math.min(1, last);
        int w1 = p1 * panelLength;
        int p2 = Math.min(2, last);
        int w2 = p2 * panelLength;
        int p3 = Math.min(3, last);
        int w3 = p3 * panelLength;
        for (int first = 0, scale = 0, sum = xSum;
                first < numBlocks;
                first += groupBlocks, scale += groupStride, sum++) {
            FloatVector a0 = FloatVector.zero(F);
            FloatVector b0 = FloatVector.zero(F);
            FloatVector a1 = FloatVector.zero(F);
            FloatVector b1 = FloatVector.zero(F);
            FloatVector a2 = FloatVector.zero(F);
            FloatVector b2 = FloatVector.zero(F);
            FloatVector a3 = FloatVector.zero(F);
            FloatVector b3 = FloatVector.zero(F);
            int end = from + Math.min(first + groupBlocks, numBlocks) * L;
            for (int k = from + first * L, at = xFrom + 2 * first; k != end; k += L, at += 2) {
                IntVector word0 = IntVector.fromArray(I, w, k);
                IntVector word1 = IntVector.fromArray(I, w, k + w1);
                IntVector word2 = IntVector.fromArray(I, w, k + w2);
                IntVector word3 = IntVector.fromArray(I, w, k + w3);
                FloatVector x0 = FloatVector.broadcast(F, x[at]);
                FloatVector a0x0 =
                        word0.lanewise(LSHL, 24).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                a0 = a0x0.fma(x0, a0);
                FloatVector b0x0 =
                        word0.lanewise(LSHL, 16).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                b0 = b0x0.fma(x0, b0);
                FloatVector a1x0 =
                        word1.lanewise(LSHL, 24).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                a1 = a1x0.fma(x0, a1);
                FloatVector b1x0 =
                        word1.lanewise(LSHL, 16).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                b1 = b1x0.fma(x0, b1);
                FloatVector a2x0 =
                        word2.lanewise(LSHL, 24).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                a2 = a2x0.fma(x0, a2);
                FloatVector b2x0 =
                        word2.lanewise(LSHL, 16).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                b2 = b2x0.fma(x0, b2);
                FloatVector a3x0 =
                        word3.lanewise(LSHL, 24).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                a3 = a3x0.fma(x0, a3);
                FloatVector b3x0 =
                        word3.lanewise(LSHL, 16).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                b3 = b3x0.fma(x0, b3);
                FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
                FloatVector a0x1 =
                        word0.lanewise(LSHL, 8).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                a0 = a0x1.fma(x1, a0);
                FloatVector b0x1 = word0.lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                b0 = b0x1.fma(x1, b0);
                FloatVector a1x1 =
                        word1.lanewise(LSHL, 8).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                a1 = a1x1.fma(x1, a1);
                FloatVector b1x1 = word1.lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                b1 = b1x1.fma(x1, b1);
                FloatVector a2x1 =
                        word2.lanewise(LSHL, 8).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                a2 = a2x1.fma(x1, a2);
                FloatVector b2x1 = word2.lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                b2 = b2x1.fma(x1, b2);
                FloatVector a3x1 =
                        word3.lanewise(LSHL, 8).lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                a3 = a3x1.fma(x1, a3);
                FloatVector b3x1 = word3.lanewise(ASHR, 4).and(mask).reinterpretAsFloats();
                b3 = b3x1.fma(x1, b3);
            }
            FloatVector xGroup = FloatVector.broadcast(F, xSums[sum]);
            int s0 = scale;
            a0 = a0.fma(FloatVector.fromArray(F, scales, s0), FloatVector.fromArray(F, sums, s));
            a0 = FloatVector.fromArray(F, scales, s0 + 2 * L).fma(xGroup, a0);
            a0.intoArray(sums, s);
            b0 = b0.fma(FloatVector.fromArray(F, scales, s0 + L), FloatVector.fromArray(F, sums, s + L));
            b0 = FloatVector.fromArray(F, scales, s0 + 3 * L).fma(xGroup, b0);
            b0.intoArray(sums, s + L);
            int s1 = scale + p1 * panelStride;
            a1 = a1.fma(FloatVector.fromArray(F, scales, s1), FloatVector.fromArray(F, sums, s + 2 * L));
            a1 = FloatVector.fromArray(F, scales, s1 + 2 * L).fma(xGroup, a1);
            a1.intoArray(sums, s + 2 * L);
            b1 = b1.fma(FloatVector.fromArray(F, scales, s1 + L), FloatVector.fromArray(F, sums, s + 3 * L));
            b1 = FloatVector.fromArray(F, scales, s1 + 3 * L).fma(xGroup, b1);
            b1.intoArray(sums, s + 3 * L);
            int s2 = scale + p2 * panelStride;
            a2 = a2.fma(FloatVector.fromArray(F, scales, s2), FloatVector.fromArray(F, sums, s + 4 * L));
            a2 = FloatVector.fromArray(F, scales, s2 + 2 * L).fma(xGroup, a2);
            a2.intoArray(sums, s + 4 * L);
            b2 = b2.fma(FloatVector.fromArray(F, scales, s2 + L), FloatVector.fromArray(F, sums, s + 5 * L));
            b2 = FloatVector.fromArray(F, scales, s2 + 3 * L).fma(xGroup, b2);
            b2.intoArray(sums, s + 5 * L);
            int s3 = scale + p3 * panelStride;
            a3 = a3.fma(FloatVector.fromArray(F, scales, s3), FloatVector.fromArray(F, sums, s + 6 * L));
            a3 = FloatVector.fromArray(F, scales, s3 + 2 * L).fma(xGroup, a3);
            a3.intoArray(sums, s + 6 * L);
            b3 = b3.fma(FloatVector.fromArray(F, scales, s3 + L), FloatVector.fromArray(F, sums, s + 7 * L));
            b3 = FloatVector.fromArray(F, scales, s3 + 3 * L).fma(xGroup, b3);
            b3.intoArray(sums, s + 7 * L);
        }
    }
}
