package dev.quire.kernel.cpu;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link GroupTile} for integers of 5 and 6 bits: four low ones from a word, the rest from the block's last one. So many
 * operations a weight that one panel's chains do not wait.
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

    static void unpack5(int[] w, int from, int numBlocks, float[] scales, int scale, float[] dst, int to) {
        Objects.checkFromIndexSize(from, numBlocks * 5 * L, w.length);
        Objects.checkFromIndexSize(to, numBlocks * 32 * L, dst.length);
        Objects.checkFromIndexSize(scale, 4 * L, scales.length);
        IntVector mask = IntVector.broadcast(I, MASK_5);
        IntVector highMask = IntVector.broadcast(I, HIGH_MASK_5);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, scales, scale + 2 * L);
        FloatVector highBias = FloatVector.fromArray(F, scales, scale + 3 * L);
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
            v0.fma(low, lowBias).intoArray(dst, at);
            FloatVector v1 = word.lanewise(LSHL, 14)
                    .and(mask)
                    .or(top.lanewise(LSHL, 21).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v1.fma(high, highBias).intoArray(dst, at + L);
            FloatVector v2 = word.lanewise(LSHL, 10)
                    .and(mask)
                    .or(top.lanewise(LSHL, 20).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v2.fma(low, lowBias).intoArray(dst, at + 2 * L);
            FloatVector v3 = word.lanewise(LSHL, 6)
                    .and(mask)
                    .or(top.lanewise(LSHL, 19).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v3.fma(high, highBias).intoArray(dst, at + 3 * L);
            FloatVector v4 = word.lanewise(LSHL, 2)
                    .and(mask)
                    .or(top.lanewise(LSHL, 18).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v4.fma(low, lowBias).intoArray(dst, at + 4 * L);
            FloatVector v5 = word.lanewise(LSHR, 2)
                    .and(mask)
                    .or(top.lanewise(LSHL, 17).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v5.fma(high, highBias).intoArray(dst, at + 5 * L);
            FloatVector v6 = word.lanewise(LSHR, 6)
                    .and(mask)
                    .or(top.lanewise(LSHL, 16).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v6.fma(low, lowBias).intoArray(dst, at + 6 * L);
            FloatVector v7 = word.lanewise(LSHR, 10)
                    .and(mask)
                    .or(top.lanewise(LSHL, 15).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v7.fma(high, highBias).intoArray(dst, at + 7 * L);
        }
    }

    static void unpack6(int[] w, int from, int numBlocks, float[] scales, int scale, float[] dst, int to) {
        Objects.checkFromIndexSize(from, numBlocks * 3 * L, w.length);
        Objects.checkFromIndexSize(to, numBlocks * 16 * L, dst.length);
        Objects.checkFromIndexSize(scale, 4 * L, scales.length);
        IntVector mask = IntVector.broadcast(I, MASK_6);
        IntVector highMask = IntVector.broadcast(I, HIGH_MASK_6);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, scales, scale + 2 * L);
        FloatVector highBias = FloatVector.fromArray(F, scales, scale + 3 * L);
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
            v0.fma(low, lowBias).intoArray(dst, at);
            FloatVector v1 = word.lanewise(LSHL, 13)
                    .and(mask)
                    .or(top.lanewise(LSHL, 19).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v1.fma(high, highBias).intoArray(dst, at + L);
            FloatVector v2 = word.lanewise(LSHL, 9)
                    .and(mask)
                    .or(top.lanewise(LSHL, 17).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v2.fma(low, lowBias).intoArray(dst, at + 2 * L);
            FloatVector v3 = word.lanewise(LSHL, 5)
                    .and(mask)
                    .or(top.lanewise(LSHL, 15).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v3.fma(high, highBias).intoArray(dst, at + 3 * L);
            FloatVector v4 = word.lanewise(LSHL, 1)
                    .and(mask)
                    .or(top.lanewise(LSHL, 13).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v4.fma(low, lowBias).intoArray(dst, at + 4 * L);
            FloatVector v5 = word.lanewise(LSHR, 3)
                    .and(mask)
                    .or(top.lanewise(LSHL, 11).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v5.fma(high, highBias).intoArray(dst, at + 5 * L);
            FloatVector v6 = word.lanewise(LSHR, 7)
                    .and(mask)
                    .or(top.lanewise(LSHL, 9).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v6.fma(low, lowBias).intoArray(dst, at + 6 * L);
            FloatVector v7 = word.lanewise(LSHR, 11)
                    .and(mask)
                    .or(top.lanewise(LSHL, 7).and(highMask))
                    .or(one)
                    .reinterpretAsFloats();
            v7.fma(high, highBias).intoArray(dst, at + 7 * L);
        }
    }

    static void multiply5(
            int[] w,
            int from,
            int numBlocks,
            int groupBlocks,
            float[] scales,
            int firstScale,
            float[] x,
            int xFrom,
            float[] sums,
            int s) {
        IntVector mask = IntVector.broadcast(I, MASK_5);
        IntVector highMask = IntVector.broadcast(I, HIGH_MASK_5);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector a = FloatVector.fromArray(F, sums, s);
        FloatVector b = FloatVector.fromArray(F, sums, s + L);
        for (int first = 0, scale = firstScale; first < numBlocks; first += groupBlocks, scale += 4 * L) {
            FloatVector low = FloatVector.fromArray(F, scales, scale);
            FloatVector high = FloatVector.fromArray(F, scales, scale + L);
            FloatVector lowBias = FloatVector.fromArray(F, scales, scale + 2 * L);
            FloatVector highBias = FloatVector.fromArray(F, scales, scale + 3 * L);
            int end = 4 * Math.min(first + groupBlocks, numBlocks);
            for (int i = 4 * first; i < end; i++) {
                int block = from + i / 4 * 5 * L;
                IntVector word = IntVector.fromArray(I, w, block + i % 4 * L);
                IntVector tops = IntVector.fromArray(I, w, block + 4 * L);
                IntVector top = tops.lanewise(LSHR, i % 4 * 8);
                FloatVector x0 = FloatVector.broadcast(F, x[xFrom + 4 * i]);
                FloatVector a0 = word.lanewise(LSHL, 18)
                        .and(mask)
                        .or(top.lanewise(LSHL, 22).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a = a0.fma(low, lowBias).fma(x0, a);
                FloatVector b0 = word.lanewise(LSHL, 14)
                        .and(mask)
                        .or(top.lanewise(LSHL, 21).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b = b0.fma(high, highBias).fma(x0, b);
                FloatVector x1 = FloatVector.broadcast(F, x[xFrom + 4 * i + 1]);
                FloatVector a1 = word.lanewise(LSHL, 10)
                        .and(mask)
                        .or(top.lanewise(LSHL, 20).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a = a1.fma(low, lowBias).fma(x1, a);
                FloatVector b1 = word.lanewise(LSHL, 6)
                        .and(mask)
                        .or(top.lanewise(LSHL, 19).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b = b1.fma(high, highBias).fma(x1, b);
                FloatVector x2 = FloatVector.broadcast(F, x[xFrom + 4 * i + 2]);
                FloatVector a2 = word.lanewise(LSHL, 2)
                        .and(mask)
                        .or(top.lanewise(LSHL, 18).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a = a2.fma(low, lowBias).fma(x2, a);
                FloatVector b2 = word.lanewise(LSHR, 2)
                        .and(mask)
                        .or(top.lanewise(LSHL, 17).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b = b2.fma(high, highBias).fma(x2, b);
                FloatVector x3 = FloatVector.broadcast(F, x[xFrom + 4 * i + 3]);
                FloatVector a3 = word.lanewise(LSHR, 6)
                        .and(mask)
                        .or(top.lanewise(LSHL, 16).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a = a3.fma(low, lowBias).fma(x3, a);
                FloatVector b3 = word.lanewise(LSHR, 10)
                        .and(mask)
                        .or(top.lanewise(LSHL, 15).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b = b3.fma(high, highBias).fma(x3, b);
            }
        }
        a.intoArray(sums, s);
        b.intoArray(sums, s + L);
    }

    static void multiply6(
            int[] w,
            int from,
            int numBlocks,
            int groupBlocks,
            float[] scales,
            int firstScale,
            float[] x,
            int xFrom,
            float[] sums,
            int s) {
        IntVector mask = IntVector.broadcast(I, MASK_6);
        IntVector highMask = IntVector.broadcast(I, HIGH_MASK_6);
        IntVector one = IntVector.broadcast(I, ONE);
        FloatVector a = FloatVector.fromArray(F, sums, s);
        FloatVector b = FloatVector.fromArray(F, sums, s + L);
        for (int first = 0, scale = firstScale; first < numBlocks; first += groupBlocks, scale += 4 * L) {
            FloatVector low = FloatVector.fromArray(F, scales, scale);
            FloatVector high = FloatVector.fromArray(F, scales, scale + L);
            FloatVector lowBias = FloatVector.fromArray(F, scales, scale + 2 * L);
            FloatVector highBias = FloatVector.fromArray(F, scales, scale + 3 * L);
            int end = 2 * Math.min(first + groupBlocks, numBlocks);
            for (int i = 2 * first; i < end; i++) {
                int block = from + i / 2 * 3 * L;
                IntVector word = IntVector.fromArray(I, w, block + i % 2 * L);
                IntVector tops = IntVector.fromArray(I, w, block + 2 * L);
                IntVector top = tops.lanewise(LSHR, i % 2 * 16);
                FloatVector x0 = FloatVector.broadcast(F, x[xFrom + 4 * i]);
                FloatVector a0 = word.lanewise(LSHL, 17)
                        .and(mask)
                        .or(top.lanewise(LSHL, 21).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a = a0.fma(low, lowBias).fma(x0, a);
                FloatVector b0 = word.lanewise(LSHL, 13)
                        .and(mask)
                        .or(top.lanewise(LSHL, 19).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b = b0.fma(high, highBias).fma(x0, b);
                FloatVector x1 = FloatVector.broadcast(F, x[xFrom + 4 * i + 1]);
                FloatVector a1 = word.lanewise(LSHL, 9)
                        .and(mask)
                        .or(top.lanewise(LSHL, 17).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a = a1.fma(low, lowBias).fma(x1, a);
                FloatVector b1 = word.lanewise(LSHL, 5)
                        .and(mask)
                        .or(top.lanewise(LSHL, 15).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b = b1.fma(high, highBias).fma(x1, b);
                FloatVector x2 = FloatVector.broadcast(F, x[xFrom + 4 * i + 2]);
                FloatVector a2 = word.lanewise(LSHL, 1)
                        .and(mask)
                        .or(top.lanewise(LSHL, 13).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a = a2.fma(low, lowBias).fma(x2, a);
                FloatVector b2 = word.lanewise(LSHR, 3)
                        .and(mask)
                        .or(top.lanewise(LSHL, 11).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b = b2.fma(high, highBias).fma(x2, b);
                FloatVector x3 = FloatVector.broadcast(F, x[xFrom + 4 * i + 3]);
                FloatVector a3 = word.lanewise(LSHR, 7)
                        .and(mask)
                        .or(top.lanewise(LSHL, 9).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                a = a3.fma(low, lowBias).fma(x3, a);
                FloatVector b3 = word.lanewise(LSHR, 11)
                        .and(mask)
                        .or(top.lanewise(LSHL, 7).and(highMask))
                        .or(one)
                        .reinterpretAsFloats();
                b = b3.fma(high, highBias).fma(x3, b);
            }
        }
        a.intoArray(sums, s);
        b.intoArray(sums, s + L);
    }
}
