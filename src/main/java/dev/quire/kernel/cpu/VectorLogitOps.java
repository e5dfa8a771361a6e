package dev.quire.kernel.cpu;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Whole rows with the Vector API; what is left at the end goes the plain way. */
final class VectorLogitOps implements LogitOps {
    private static final VectorSpecies<Float> F = Species.F;
    private static final VectorSpecies<Integer> I = Species.I;
    private static final VectorSpecies<Double> D = DoubleVector.SPECIES_PREFERRED;
    private static final int L = Lanes.COUNT;
    private static final int ABS = 0x7fffffff;
    private static final int INFINITY_BITS = 0x7f800000;

    private final PlainLogitOps plain = new PlainLogitOps();
    private final int[] laneBest = new int[L];
    private final int[] laneLargest = new int[L];
    private final double[] laneSums = new double[D.length()];

    /**
     * On the bits: as integers, with the magnitude of negative numbers flipped, floats compare like floats, in one
     * instruction; a magnitude above that of infinity is NaN.
     */
    @Override
    public float max(float[] x, int from, int n) {
        int whole = n - n % (2 * L);
        IntVector best0 = IntVector.broadcast(I, Integer.MIN_VALUE);
        IntVector best1 = IntVector.broadcast(I, Integer.MIN_VALUE);
        IntVector largest0 = IntVector.zero(I);
        IntVector largest1 = IntVector.zero(I);
        for (int i = from; i < from + whole; i += 2 * L) {
            IntVector a = FloatVector.fromArray(F, x, i).reinterpretAsInts();
            IntVector b = FloatVector.fromArray(F, x, i + L).reinterpretAsInts();
            IntVector flipA = a.lanewise(VectorOperators.ASHR, 31).and(ABS);
            IntVector flipB = b.lanewise(VectorOperators.ASHR, 31).and(ABS);
            best0 = best0.max(a.lanewise(VectorOperators.XOR, flipA));
            best1 = best1.max(b.lanewise(VectorOperators.XOR, flipB));
            largest0 = largest0.max(a.and(ABS));
            largest1 = largest1.max(b.and(ABS));
        }
        best0.max(best1).intoArray(laneBest, 0);
        largest0.max(largest1).intoArray(laneLargest, 0);
        float max = plain.max(x, from + whole, n - whole);
        if (whole == 0) {
            return max;
        }
        for (int i = 0; i < L; i++) {
            if (laneLargest[i] > INFINITY_BITS) {
                return Float.NaN;
            }
            int flipped = laneBest[i];
            max = Math.max(max, Float.intBitsToFloat(flipped ^ ((flipped >> 31) & ABS)));
        }
        return max;
    }

    @Override
    public int indexOf(float[] x, int from, int n, float value) {
        int i = 0;
        for (; i <= n - L; i += L) {
            if (FloatVector.fromArray(F, x, from + i)
                    .compare(VectorOperators.EQ, value)
                    .anyTrue()) {
                break;
            }
        }
        return i + plain.indexOf(x, from + i, n - i, value);
    }

    @Override
    public double weights(
            float[] x, int from, int n, float max, float inverseTemperature, float[] weights, double[] chunkSums) {
        double total = 0;
        for (int start = 0; start < n; start += CHUNK) {
            double sum =
                    chunkWeights(x, from + start, Math.min(CHUNK, n - start), max, inverseTemperature, weights, start);
            chunkSums[start / CHUNK] = sum;
            total += sum;
        }
        return total;
    }

    private static double chunkWeights(
            float[] x, int from, int n, float max, float inverseTemperature, float[] weights, int to) {
        FloatVector maxima = FloatVector.broadcast(F, max);
        FloatVector inverse = FloatVector.broadcast(F, inverseTemperature);
        FloatVector shift = FloatVector.broadcast(F, SHIFT);
        DoubleVector sum0 = DoubleVector.zero(D);
        DoubleVector sum1 = DoubleVector.zero(D);
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector y = FloatVector.fromArray(F, x, from + i).sub(maxima).mul(inverse);
            FloatVector e = VectorMath.exp(y);
            FloatVector w = e.blend(e.add(shift).sub(shift), e.compare(VectorOperators.LT, shift));
            w.intoArray(weights, to + i);
            sum0 = sum0.add(w.convert(VectorOperators.F2D, 0));
            sum1 = sum1.add(w.convert(VectorOperators.F2D, 1));
        }
        // Exact, so the order of the lanes does not matter.
        double sum = sum0.add(sum1).reduceLanes(VectorOperators.ADD);
        for (; i < n; i++) {
            float w = LogitOps.roundWeight(Exponential.exp((x[from + i] - max) * inverseTemperature));
            weights[to + i] = w;
            sum += w;
        }
        return sum;
    }

    @Override
    public int select(float[] weights, int n, float low, float high, int[] ids) {
        int count = 0;
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector w = FloatVector.fromArray(F, weights, i);
            if (w.compare(VectorOperators.GE, low)
                    .and(w.compare(VectorOperators.LT, high))
                    .anyTrue()) {
                for (int j = i; j < i + L; j++) {
                    ids[count] = j;
                    count += weights[j] >= low && weights[j] < high ? 1 : 0;
                }
            }
        }
        for (; i < n; i++) {
            if (weights[i] >= low && weights[i] < high) {
                ids[count++] = i;
            }
        }
        return count;
    }

    @Override
    public int countAtLeast(float[] weights, int n, float threshold) {
        // Counted in floats, exact up to 2^24 a lane: masks of floats do not become integers cheaply.
        FloatVector zero = FloatVector.zero(F);
        FloatVector counts0 = FloatVector.zero(F);
        FloatVector counts1 = FloatVector.zero(F);
        int i = 0;
        for (; i <= n - 2 * L; i += 2 * L) {
            FloatVector a = FloatVector.fromArray(F, weights, i);
            FloatVector b = FloatVector.fromArray(F, weights, i + L);
            counts0 = counts0.add(zero.blend(1f, a.compare(VectorOperators.GE, threshold)));
            counts1 = counts1.add(zero.blend(1f, b.compare(VectorOperators.GE, threshold)));
        }
        int count = (int) counts0.add(counts1).reduceLanes(VectorOperators.ADD);
        for (; i < n; i++) {
            count += weights[i] >= threshold ? 1 : 0;
        }
        return count;
    }

    @Override
    public double sumAtLeast(float[] weights, int n, float threshold) {
        FloatVector zero = FloatVector.zero(F);
        DoubleVector sum0 = DoubleVector.zero(D);
        DoubleVector sum1 = DoubleVector.zero(D);
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector w = FloatVector.fromArray(F, weights, i);
            FloatVector kept = zero.blend(w, w.compare(VectorOperators.GE, threshold));
            sum0 = sum0.add(kept.convert(VectorOperators.F2D, 0));
            sum1 = sum1.add(kept.convert(VectorOperators.F2D, 1));
        }
        double sum = sum0.add(sum1).reduceLanes(VectorOperators.ADD);
        for (; i < n; i++) {
            sum += weights[i] >= threshold ? weights[i] : 0f;
        }
        return sum;
    }

    @Override
    public double mask(float[] values, int from, int n, float threshold, float[] weights, double[] chunkSums) {
        double total = 0;
        for (int start = 0; start < n; start += CHUNK) {
            double sum = maskChunk(values, from + start, Math.min(CHUNK, n - start), threshold, weights, start);
            chunkSums[start / CHUNK] = sum;
            total += sum;
        }
        return total;
    }

    private static double maskChunk(float[] values, int from, int n, float threshold, float[] weights, int to) {
        DoubleVector sum0 = DoubleVector.zero(D);
        DoubleVector sum1 = DoubleVector.zero(D);
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector w = FloatVector.fromArray(F, weights, to + i);
            FloatVector v = FloatVector.fromArray(F, values, from + i);
            FloatVector kept = w.blend(0f, v.compare(VectorOperators.LT, threshold));
            kept.intoArray(weights, to + i);
            sum0 = sum0.add(kept.convert(VectorOperators.F2D, 0));
            sum1 = sum1.add(kept.convert(VectorOperators.F2D, 1));
        }
        double sum = sum0.add(sum1).reduceLanes(VectorOperators.ADD);
        for (; i < n; i++) {
            weights[to + i] = values[from + i] < threshold ? 0f : weights[to + i];
            sum += weights[to + i];
        }
        return sum;
    }

    @Override
    public double sumExp(float[] x, int from, int n, float max) {
        DoubleVector sum0 = DoubleVector.zero(D);
        DoubleVector sum1 = DoubleVector.zero(D);
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector e = VectorMath.exp(FloatVector.fromArray(F, x, from + i).sub(max));
            sum0 = sum0.add(e.convert(VectorOperators.F2D, 0));
            sum1 = sum1.add(e.convert(VectorOperators.F2D, 1));
        }
        // One lane after the other: reduceLanes leaves the order open.
        sum0.add(sum1).intoArray(laneSums, 0);
        double sum = plain.sumExp(x, from + i, n - i, max);
        for (double lane : laneSums) {
            sum += lane;
        }
        return sum;
    }

    @Override
    public int countGreater(float[] x, int from, int n, float value) {
        // Counted in floats, exact up to 2^24 a lane: masks of floats do not become integers cheaply.
        FloatVector zero = FloatVector.zero(F);
        FloatVector counts = FloatVector.zero(F);
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, from + i);
            counts = counts.add(zero.blend(1f, v.compare(VectorOperators.GT, value)));
        }
        return (int) counts.reduceLanes(VectorOperators.ADD) + plain.countGreater(x, from + i, n - i, value);
    }
}
