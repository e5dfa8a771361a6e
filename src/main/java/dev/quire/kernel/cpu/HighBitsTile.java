package dev.quire.kernel.cpu;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link GroupTile} for integers of 5 and 6 bits: four low ones from a word, the rest from the block's last one. So many
 * operations that two panels hide all latencies, and that four are more than a compiler takes.
 */
final class HighBitsTile {
    private static final VectorSpecies<Float> F = Species.F;
    private static final VectorSpecies<Integer> I = Species.I;
    private static final int L = Lanes.COUNT;

    private static final int ONE = 0x3f800000;
    /** Low and high bits of an integer at the top of a significand. */
    private static final int MASK_5 = 0x003c0000;

    private static final int HIGH_MASK_5 = 0x00400000;
    private static final int MASK_6 = 0x001e0000;
    private static final int HIGH_MASK_6 = 0x00600000;

    private HighBitsTile() {}

    static void unpack5(int[] w, int from, int numBlocks, float[] dst, int to) {
        Objects.checkFromIndexSize(from, numBlocks * 5 * L, w.length);
        Objects.checkFromIndexSize(to, numBlocks * 32 * L, dst.length);
        IntVector mask = IntVector.broadcast(I, MASK_5);
        IntVector highMask = IntVector.broadcast(I, HIGH_MASK_5);
        IntVector one = IntVector.broadcast(I, ONE);
        for (int i = 0; i < 4 * numBlocks; i++) {
            int block = from + i / 4 * 5 * L;
            IntVector word = IntVector.fromArray(I, w, block + i % 4 * L);
            IntVector tops = IntVector.fromArray(I, w, block + 4 * L);
            IntVector top = tops.lanewise(LSHR, i % 4 * 8);
            int at = to + 8 * i * L;
            FloatVector v0 = word.lanewise(LSHL, 18)
                    .and(mask)
                    .or(top.lanewise(LSHL, 22).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v0.intoArray(dst, at);
            FloatVector v1 = word.lanewise(LSHL, 14)
                    .and(mask)
                    .or(top.lanewise(LSHL, 21).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v1.intoArray(dst, at + L);
            FloatVector v2 = word.lanewise(LSHL, 10)
                    .and(mask)
                    .or(top.lanewise(LSHL, 20).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v2.intoArray(dst, at + 2 * L);
            FloatVector v3 = word.lanewise(LSHL, 6)
                    .and(mask)
                    .or(top.lanewise(LSHL, 19).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v3.intoArray(dst, at + 3 * L);
            FloatVector v4 = word.lanewise(LSHL, 2)
                    .and(mask)
                    .or(top.lanewise(LSHL, 18).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v4.intoArray(dst, at + 4 * L);
            FloatVector v5 = word.lanewise(LSHR, 2)
                    .and(mask)
                    .or(top.lanewise(LSHL, 17).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v5.intoArray(dst, at + 5 * L);
            FloatVector v6 = word.lanewise(LSHR, 6)
                    .and(mask)
                    .or(top.lanewise(LSHL, 16).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v6.intoArray(dst, at + 6 * L);
            FloatVector v7 = word.lanewise(LSHR, 10)
                    .and(mask)
                    .or(top.lanewise(LSHL, 15).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v7.intoArray(dst, at + 7 * L);
        }
    }

    static void unpack6(int[] w, int from, int numBlocks, float[] dst, int to) {
        Objects.checkFromIndexSize(from, numBlocks * 3 * L, w.length);
        Objects.checkFromIndexSize(to, numBlocks * 16 * L, dst.length);
        IntVector mask = IntVector.broadcast(I, MASK_6);
        IntVector highMask = IntVector.broadcast(I, HIGH_MASK_6);
        IntVector one = IntVector.broadcast(I, ONE);
        for (int i = 0; i < 2 * numBlocks; i++) {
            int block = from + i / 2 * 3 * L;
            IntVector word = IntVector.fromArray(I, w, block + i % 2 * L);
            IntVector tops = IntVector.fromArray(I, w, block + 2 * L);
            IntVector top = tops.lanewise(LSHR, i % 2 * 16);
            int at = to + 8 * i * L;
            FloatVector v0 = word.lanewise(LSHL, 17)
                    .and(mask)
                    .or(top.lanewise(LSHL, 21).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v0.intoArray(dst, at);
            FloatVector v1 = word.lanewise(LSHL, 13)
                    .and(mask)
                    .or(top.lanewise(LSHL, 19).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v1.intoArray(dst, at + L);
            FloatVector v2 = word.lanewise(LSHL, 9)
                    .and(mask)
                    .or(top.lanewise(LSHL, 17).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v2.intoArray(dst, at + 2 * L);
            FloatVector v3 = word.lanewise(LSHL, 5)
                    .and(mask)
                    .or(top.lanewise(LSHL, 15).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v3.intoArray(dst, at + 3 * L);
            FloatVector v4 = word.lanewise(LSHL, 1)
                    .and(mask)
                    .or(top.lanewise(LSHL, 13).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v4.intoArray(dst, at + 4 * L);
            FloatVector v5 = word.lanewise(LSHR, 3)
                    .and(mask)
                    .or(top.lanewise(LSHL, 11).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v5.intoArray(dst, at + 5 * L);
            FloatVector v6 = word.lanewise(LSHR, 7)
                    .and(mask)
                    .or(top.lanewise(LSHL, 9).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v6.intoArray(dst, at + 6 * L);
            FloatVector v7 = word.lanewise(LSHR, 11)
                    .and(mask)
                    .or(top.lanewise(LSHL, 7).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v7.intoArray(dst, at + 7 * L);
        }
    }

    static void multiply5(
            int[] w,
            int from,
            int panelLength,
            int numPanels,
            int numBlocks,
            int groupBlocks,
            float[] scales,
            int firstScale,
            int panelStride,
            int groupStride,
            float[] x,
            int xFrom,
            float[] xSums,
            int xSum,
            float[] sums,
            int s) {
        IntVector mask = IntVector.broadcast(I, MASK_5);
        IntVector highMask = IntVector.broadcast(I, HIGH_MASK_5);
        IntVector one = IntVector.broadcast(I, ONE);
        int last = numPanels - 1;
        int p1 = Math.min(1, last);
        int w1 = p1 * panelLength;
        for (int first = 0, scale = firstScale, sum = xSum;
                first < numBlocks;
                first += groupBlocks, scale += groupStride, sum++) {
            FloatVector a0 = FloatVector.zero(F);
            FloatVector b0 = FloatVector.zero(F);
            FloatVector a1 = FloatVector.zero(F);
            FloatVector b1 = FloatVector.zero(F);
            int end = 4 * Math.min(first + groupBlocks, numBlocks);
            for (int i = 4 * first; i != end; i++) {
                int high = from + (i / 4 * 5 + 4) * L;
                int low = from + (i / 4 * 5 + i % 4) * L;
                int shift = i % 4 * 8;
                int at = xFrom + 4 * i;
                FloatVector x0 = FloatVector.broadcast(F, x[at]);
                FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
                FloatVector x2 = FloatVector.broadcast(F, x[at + 2]);
                FloatVector x3 = FloatVector.broadcast(F, x[at + 3]);
                IntVector word0 = IntVector.fromArray(I, w, low);
                IntVector top0 = IntVector.fromArray(I, w, high).lanewise(LSHR, shift);
                FloatVector a0x0 = word0.lanewise(LSHL, 18)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 22).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a0 = a0x0.fma(x0, a0);
                FloatVector b0x0 = word0.lanewise(LSHL, 14)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 21).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b0 = b0x0.fma(x0, b0);
                FloatVector a0x1 = word0.lanewise(LSHL, 10)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 20).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a0 = a0x1.fma(x1, a0);
                FloatVector b0x1 = word0.lanewise(LSHL, 6)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 19).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b0 = b0x1.fma(x1, b0);
                FloatVector a0x2 = word0.lanewise(LSHL, 2)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 18).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a0 = a0x2.fma(x2, a0);
                FloatVector b0x2 = word0.lanewise(LSHR, 2)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 17).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b0 = b0x2.fma(x2, b0);
                FloatVector a0x3 = word0.lanewise(LSHR, 6)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 16).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a0 = a0x3.fma(x3, a0);
                FloatVector b0x3 = word0.lanewise(LSHR, 10)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 15).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b0 = b0x3.fma(x3, b0);
                IntVector word1 = IntVector.fromArray(I, w, low + w1);
                IntVector top1 = IntVector.fromArray(I, w, high + w1).lanewise(LSHR, shift);
                FloatVector a1x0 = word1.lanewise(LSHL, 18)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 22).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a1 = a1x0.fma(x0, a1);
                FloatVector b1x0 = word1.lanewise(LSHL, 14)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 21).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b1 = b1x0.fma(x0, b1);
                FloatVector a1x1 = word1.lanewise(LSHL, 10)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 20).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a1 = a1x1.fma(x1, a1);
                FloatVector b1x1 = word1.lanewise(LSHL, 6)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 19).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b1 = b1x1.fma(x1, b1);
                FloatVector a1x2 = word1.lanewise(LSHL, 2)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 18).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a1 = a1x2.fma(x2, a1);
                FloatVector b1x2 = word1.lanewise(LSHR, 2)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 17).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b1 = b1x2.fma(x2, b1);
                FloatVector a1x3 = word1.lanewise(LSHR, 6)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 16).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a1 = a1x3.fma(x3, a1);
                FloatVector b1x3 = word1.lanewise(LSHR, 10)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 15).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b1 = b1x3.fma(x3, b1);
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
        }
    }

    static void multiply6(
            int[] w,
            int from,
            int panelLength,
            int numPanels,
            int numBlocks,
            int groupBlocks,
            float[] scales,
            int firstScale,
            int panelStride,
            int groupStride,
            float[] x,
            int xFrom,
            float[] xSums,
            int xSum,
            float[] sums,
            int s) {
        IntVector mask = IntVector.broadcast(I, MASK_6);
        IntVector highMask = IntVector.broadcast(I, HIGH_MASK_6);
        IntVector one = IntVector.broadcast(I, ONE);
        int last = numPanels - 1;
        int p1 = Math.min(1, last);
        int w1 = p1 * panelLength;
        for (int first = 0, scale = firstScale, sum = xSum;
                first < numBlocks;
                first += groupBlocks, scale += groupStride, sum++) {
            FloatVector a0 = FloatVector.zero(F);
            FloatVector b0 = FloatVector.zero(F);
            FloatVector a1 = FloatVector.zero(F);
            FloatVector b1 = FloatVector.zero(F);
            int end = 2 * Math.min(first + groupBlocks, numBlocks);
            for (int i = 2 * first; i != end; i++) {
                int high = from + (i / 2 * 3 + 2) * L;
                int low = from + (i / 2 * 3 + i % 2) * L;
                int shift = i % 2 * 16;
                int at = xFrom + 4 * i;
                FloatVector x0 = FloatVector.broadcast(F, x[at]);
                FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
                FloatVector x2 = FloatVector.broadcast(F, x[at + 2]);
                FloatVector x3 = FloatVector.broadcast(F, x[at + 3]);
                IntVector word0 = IntVector.fromArray(I, w, low);
                IntVector top0 = IntVector.fromArray(I, w, high).lanewise(LSHR, shift);
                FloatVector a0x0 = word0.lanewise(LSHL, 17)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 21).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a0 = a0x0.fma(x0, a0);
                FloatVector b0x0 = word0.lanewise(LSHL, 13)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 19).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b0 = b0x0.fma(x0, b0);
                FloatVector a0x1 = word0.lanewise(LSHL, 9)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 17).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a0 = a0x1.fma(x1, a0);
                FloatVector b0x1 = word0.lanewise(LSHL, 5)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 15).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b0 = b0x1.fma(x1, b0);
                FloatVector a0x2 = word0.lanewise(LSHL, 1)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 13).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a0 = a0x2.fma(x2, a0);
                FloatVector b0x2 = word0.lanewise(LSHR, 3)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 11).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b0 = b0x2.fma(x2, b0);
                FloatVector a0x3 = word0.lanewise(LSHR, 7)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 9).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a0 = a0x3.fma(x3, a0);
                FloatVector b0x3 = word0.lanewise(LSHR, 11)
                        .and(mask)
                        .or(top0.lanewise(LSHL, 7).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b0 = b0x3.fma(x3, b0);
                IntVector word1 = IntVector.fromArray(I, w, low + w1);
                IntVector top1 = IntVector.fromArray(I, w, high + w1).lanewise(LSHR, shift);
                FloatVector a1x0 = word1.lanewise(LSHL, 17)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 21).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a1 = a1x0.fma(x0, a1);
                FloatVector b1x0 = word1.lanewise(LSHL, 13)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 19).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b1 = b1x0.fma(x0, b1);
                FloatVector a1x1 = word1.lanewise(LSHL, 9)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 17).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a1 = a1x1.fma(x1, a1);
                FloatVector b1x1 = word1.lanewise(LSHL, 5)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 15).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b1 = b1x1.fma(x1, b1);
                FloatVector a1x2 = word1.lanewise(LSHL, 1)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 13).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a1 = a1x2.fma(x2, a1);
                FloatVector b1x2 = word1.lanewise(LSHR, 3)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 11).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b1 = b1x2.fma(x2, b1);
                FloatVector a1x3 = word1.lanewise(LSHR, 7)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 9).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a1 = a1x3.fma(x3, a1);
                FloatVector b1x3 = word1.lanewise(LSHR, 11)
                        .and(mask)
                        .or(top1.lanewise(LSHL, 7).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b1 = b1x3.fma(x3, b1);
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
        }
    }
}
