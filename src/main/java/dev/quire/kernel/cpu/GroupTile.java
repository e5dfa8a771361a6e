package dev.quire.kernel.cpu;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Integer panels of {@link GroupMatrix}, written out for each width: unpacking into f32, and products of one row
 * straight from the words with the bits of {@link FloatTile} on unpacked ones. Vectors stay local to one method, as a
 * helper that is not inlined would box them.
 */
final class GroupTile {
    private static final VectorSpecies<Float> F = Lanes.F;
    private static final VectorSpecies<Integer> I = Lanes.I;
    private static final int L = Lanes.COUNT;

    private GroupTile() {}

    static void unpack8(int[] src, int from, int numWords, float[] scales, int scale, float[] dst, int to) {
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        int at = to;
        for (int k = from; k != from + numWords * L; k += L, at += 4 * L) {
            IntVector word = IntVector.fromArray(I, src, k);
            ((FloatVector) word.lanewise(LSHL, 24).lanewise(ASHR, 24).convert(I2F, 0))
                    .mul(low)
                    .intoArray(dst, at);
            ((FloatVector) word.lanewise(LSHL, 16).lanewise(ASHR, 24).convert(I2F, 0))
                    .mul(high)
                    .intoArray(dst, at + L);
            ((FloatVector) word.lanewise(LSHL, 8).lanewise(ASHR, 24).convert(I2F, 0))
                    .mul(low)
                    .intoArray(dst, at + 2 * L);
            ((FloatVector) word.lanewise(ASHR, 24).convert(I2F, 0)).mul(high).intoArray(dst, at + 3 * L);
        }
    }

    static void unpack8(
            int[] src, int from, int numWords, float[] scales, float[] biases, int scale, float[] dst, int to) {
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, biases, scale);
        FloatVector highBias = FloatVector.fromArray(F, biases, scale + L);
        int at = to;
        for (int k = from; k != from + numWords * L; k += L, at += 4 * L) {
            IntVector word = IntVector.fromArray(I, src, k);
            ((FloatVector) word.lanewise(LSHL, 24).lanewise(ASHR, 24).convert(I2F, 0))
                    .fma(low, lowBias)
                    .intoArray(dst, at);
            ((FloatVector) word.lanewise(LSHL, 16).lanewise(ASHR, 24).convert(I2F, 0))
                    .fma(high, highBias)
                    .intoArray(dst, at + L);
            ((FloatVector) word.lanewise(LSHL, 8).lanewise(ASHR, 24).convert(I2F, 0))
                    .fma(low, lowBias)
                    .intoArray(dst, at + 2 * L);
            ((FloatVector) word.lanewise(ASHR, 24).convert(I2F, 0))
                    .fma(high, highBias)
                    .intoArray(dst, at + 3 * L);
        }
    }

    static void unpack4(int[] src, int from, int numWords, float[] scales, int scale, float[] dst, int to) {
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        int at = to;
        for (int k = from; k != from + numWords * L; k += L, at += 8 * L) {
            IntVector word = IntVector.fromArray(I, src, k);
            ((FloatVector) word.lanewise(LSHL, 28).lanewise(ASHR, 28).convert(I2F, 0))
                    .mul(low)
                    .intoArray(dst, at);
            ((FloatVector) word.lanewise(LSHL, 24).lanewise(ASHR, 28).convert(I2F, 0))
                    .mul(high)
                    .intoArray(dst, at + L);
            ((FloatVector) word.lanewise(LSHL, 20).lanewise(ASHR, 28).convert(I2F, 0))
                    .mul(low)
                    .intoArray(dst, at + 2 * L);
            ((FloatVector) word.lanewise(LSHL, 16).lanewise(ASHR, 28).convert(I2F, 0))
                    .mul(high)
                    .intoArray(dst, at + 3 * L);
            ((FloatVector) word.lanewise(LSHL, 12).lanewise(ASHR, 28).convert(I2F, 0))
                    .mul(low)
                    .intoArray(dst, at + 4 * L);
            ((FloatVector) word.lanewise(LSHL, 8).lanewise(ASHR, 28).convert(I2F, 0))
                    .mul(high)
                    .intoArray(dst, at + 5 * L);
            ((FloatVector) word.lanewise(LSHL, 4).lanewise(ASHR, 28).convert(I2F, 0))
                    .mul(low)
                    .intoArray(dst, at + 6 * L);
            ((FloatVector) word.lanewise(ASHR, 28).convert(I2F, 0)).mul(high).intoArray(dst, at + 7 * L);
        }
    }

    static void unpack4(
            int[] src, int from, int numWords, float[] scales, float[] biases, int scale, float[] dst, int to) {
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, biases, scale);
        FloatVector highBias = FloatVector.fromArray(F, biases, scale + L);
        int at = to;
        for (int k = from; k != from + numWords * L; k += L, at += 8 * L) {
            IntVector word = IntVector.fromArray(I, src, k);
            ((FloatVector) word.lanewise(LSHL, 28).lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(low, lowBias)
                    .intoArray(dst, at);
            ((FloatVector) word.lanewise(LSHL, 24).lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(high, highBias)
                    .intoArray(dst, at + L);
            ((FloatVector) word.lanewise(LSHL, 20).lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(low, lowBias)
                    .intoArray(dst, at + 2 * L);
            ((FloatVector) word.lanewise(LSHL, 16).lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(high, highBias)
                    .intoArray(dst, at + 3 * L);
            ((FloatVector) word.lanewise(LSHL, 12).lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(low, lowBias)
                    .intoArray(dst, at + 4 * L);
            ((FloatVector) word.lanewise(LSHL, 8).lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(high, highBias)
                    .intoArray(dst, at + 5 * L);
            ((FloatVector) word.lanewise(LSHL, 4).lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(low, lowBias)
                    .intoArray(dst, at + 6 * L);
            ((FloatVector) word.lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(high, highBias)
                    .intoArray(dst, at + 7 * L);
        }
    }

    static void accumulate8(
            int[] w, int from, int numWords, float[] scales, int scale, float[] x, int xFrom, float[] sums, int s) {
        FloatVector a = FloatVector.fromArray(F, sums, s);
        FloatVector b = FloatVector.fromArray(F, sums, s + L);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        int end = from + numWords * L;
        for (int k = from, at = xFrom; k != end; k += L, at += 2) {
            IntVector word = IntVector.fromArray(I, w, k);
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a = ((FloatVector) word.lanewise(LSHL, 24).lanewise(ASHR, 24).convert(I2F, 0))
                    .mul(low)
                    .fma(x0, a);
            b = ((FloatVector) word.lanewise(LSHL, 16).lanewise(ASHR, 24).convert(I2F, 0))
                    .mul(high)
                    .fma(x0, b);
            FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
            a = ((FloatVector) word.lanewise(LSHL, 8).lanewise(ASHR, 24).convert(I2F, 0))
                    .mul(low)
                    .fma(x1, a);
            b = ((FloatVector) word.lanewise(ASHR, 24).convert(I2F, 0))
                    .mul(high)
                    .fma(x1, b);
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
        FloatVector a = FloatVector.fromArray(F, sums, s);
        FloatVector b = FloatVector.fromArray(F, sums, s + L);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, biases, scale);
        FloatVector highBias = FloatVector.fromArray(F, biases, scale + L);
        int end = from + numWords * L;
        for (int k = from, at = xFrom; k != end; k += L, at += 2) {
            IntVector word = IntVector.fromArray(I, w, k);
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a = ((FloatVector) word.lanewise(LSHL, 24).lanewise(ASHR, 24).convert(I2F, 0))
                    .fma(low, lowBias)
                    .fma(x0, a);
            b = ((FloatVector) word.lanewise(LSHL, 16).lanewise(ASHR, 24).convert(I2F, 0))
                    .fma(high, highBias)
                    .fma(x0, b);
            FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
            a = ((FloatVector) word.lanewise(LSHL, 8).lanewise(ASHR, 24).convert(I2F, 0))
                    .fma(low, lowBias)
                    .fma(x1, a);
            b = ((FloatVector) word.lanewise(ASHR, 24).convert(I2F, 0))
                    .fma(high, highBias)
                    .fma(x1, b);
        }
        a.intoArray(sums, s);
        b.intoArray(sums, s + L);
    }

    static void accumulate4(
            int[] w, int from, int numWords, float[] scales, int scale, float[] x, int xFrom, float[] sums, int s) {
        FloatVector a = FloatVector.fromArray(F, sums, s);
        FloatVector b = FloatVector.fromArray(F, sums, s + L);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        int end = from + numWords * L;
        for (int k = from, at = xFrom; k != end; k += L, at += 4) {
            IntVector word = IntVector.fromArray(I, w, k);
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a = ((FloatVector) word.lanewise(LSHL, 28).lanewise(ASHR, 28).convert(I2F, 0))
                    .mul(low)
                    .fma(x0, a);
            b = ((FloatVector) word.lanewise(LSHL, 24).lanewise(ASHR, 28).convert(I2F, 0))
                    .mul(high)
                    .fma(x0, b);
            FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
            a = ((FloatVector) word.lanewise(LSHL, 20).lanewise(ASHR, 28).convert(I2F, 0))
                    .mul(low)
                    .fma(x1, a);
            b = ((FloatVector) word.lanewise(LSHL, 16).lanewise(ASHR, 28).convert(I2F, 0))
                    .mul(high)
                    .fma(x1, b);
            FloatVector x2 = FloatVector.broadcast(F, x[at + 2]);
            a = ((FloatVector) word.lanewise(LSHL, 12).lanewise(ASHR, 28).convert(I2F, 0))
                    .mul(low)
                    .fma(x2, a);
            b = ((FloatVector) word.lanewise(LSHL, 8).lanewise(ASHR, 28).convert(I2F, 0))
                    .mul(high)
                    .fma(x2, b);
            FloatVector x3 = FloatVector.broadcast(F, x[at + 3]);
            a = ((FloatVector) word.lanewise(LSHL, 4).lanewise(ASHR, 28).convert(I2F, 0))
                    .mul(low)
                    .fma(x3, a);
            b = ((FloatVector) word.lanewise(ASHR, 28).convert(I2F, 0))
                    .mul(high)
                    .fma(x3, b);
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
        FloatVector a = FloatVector.fromArray(F, sums, s);
        FloatVector b = FloatVector.fromArray(F, sums, s + L);
        FloatVector low = FloatVector.fromArray(F, scales, scale);
        FloatVector high = FloatVector.fromArray(F, scales, scale + L);
        FloatVector lowBias = FloatVector.fromArray(F, biases, scale);
        FloatVector highBias = FloatVector.fromArray(F, biases, scale + L);
        int end = from + numWords * L;
        for (int k = from, at = xFrom; k != end; k += L, at += 4) {
            IntVector word = IntVector.fromArray(I, w, k);
            FloatVector x0 = FloatVector.broadcast(F, x[at]);
            a = ((FloatVector) word.lanewise(LSHL, 28).lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(low, lowBias)
                    .fma(x0, a);
            b = ((FloatVector) word.lanewise(LSHL, 24).lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(high, highBias)
                    .fma(x0, b);
            FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
            a = ((FloatVector) word.lanewise(LSHL, 20).lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(low, lowBias)
                    .fma(x1, a);
            b = ((FloatVector) word.lanewise(LSHL, 16).lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(high, highBias)
                    .fma(x1, b);
            FloatVector x2 = FloatVector.broadcast(F, x[at + 2]);
            a = ((FloatVector) word.lanewise(LSHL, 12).lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(low, lowBias)
                    .fma(x2, a);
            b = ((FloatVector) word.lanewise(LSHL, 8).lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(high, highBias)
                    .fma(x2, b);
            FloatVector x3 = FloatVector.broadcast(F, x[at + 3]);
            a = ((FloatVector) word.lanewise(LSHL, 4).lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(low, lowBias)
                    .fma(x3, a);
            b = ((FloatVector) word.lanewise(ASHR, 28).convert(I2F, 0))
                    .fma(high, highBias)
                    .fma(x3, b);
        }
        a.intoArray(sums, s);
        b.intoArray(sums, s + L);
    }
}
