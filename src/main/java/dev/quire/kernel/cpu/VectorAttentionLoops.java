package dev.quire.kernel.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** In the Vector API, the products in {@link AttentionProducts}. */
final class VectorAttentionLoops implements AttentionLoops {
    private static final VectorSpecies<Float> F = Species.F;
    private static final int L = Lanes.COUNT;
    private static final int KEYS = AttentionTile.KEYS;

    @Override
    public void scores(float[] q, int headDim, int rowBegin, int rowEnd, KeyTile keys, float[] scores) {
        int r = rowBegin;
        for (; r <= rowEnd - 4; r += 4) {
            for (int u = 0; u < keys.numVectors; u += 2) {
                AttentionProducts.scores4(
                        q,
                        r * headDim,
                        headDim,
                        keys.keys,
                        keys.keyAt[u],
                        keys.keyAt[u + 1],
                        scores,
                        r * KEYS + keys.scoreAt[u],
                        r * KEYS + keys.scoreAt[u + 1],
                        KEYS);
            }
        }
        if (r <= rowEnd - 2) {
            for (int u = 0; u < keys.numVectors; u += 4) {
                AttentionProducts.scores2(
                        q, r * headDim, headDim, keys.keys, keys.keyAt, scores, r * KEYS, KEYS, keys.scoreAt, u);
            }
            r += 2;
        }
        if (r < rowEnd) {
            for (int u = 0; u < keys.numVectors; u += 4) {
                AttentionProducts.scores1(
                        q, r * headDim, headDim, keys.keys, keys.keyAt, scores, r * KEYS, keys.scoreAt, u);
            }
        }
    }

    @Override
    public void cap(float[] scores, int first, int last, float cap) {
        for (int i = first; i < last; i += L) {
            FloatVector x = FloatVector.fromArray(F, scores, i).div(cap);
            VectorMath.tanh(x).mul(cap).intoArray(scores, i);
        }
    }

    @Override
    public float max(float[] scores, int first, int last, float floor, float[] scratch) {
        FloatVector best = FloatVector.broadcast(F, floor);
        for (int i = first; i < last; i += L) {
            FloatVector x = FloatVector.fromArray(F, scores, i);
            best = best.blend(x, x.compare(VectorOperators.GT, best));
        }
        best.intoArray(scratch, 0);
        float max = floor;
        for (int i = 0; i < L; i++) {
            max = scratch[i] > max ? scratch[i] : max;
        }
        return max;
    }

    @Override
    public void weights(float[] scores, int first, int last, float max, float shrink, float[] lanes, int at) {
        FloatVector sum = FloatVector.fromArray(F, lanes, at).mul(shrink);
        for (int i = first; i < last; i += L) {
            FloatVector weight =
                    VectorMath.exp(FloatVector.fromArray(F, scores, i).sub(max));
            weight.intoArray(scores, i);
            sum = sum.add(weight);
        }
        sum.intoArray(lanes, at);
    }

    @Override
    public void values(
            float[] weights,
            int rowBegin,
            int rowEnd,
            int base,
            int[] firstKey,
            int[] position,
            KeyTile keys,
            int width,
            float[] sums,
            int stride,
            float[] shrink) {
        int r = rowBegin;
        for (; r <= rowEnd - 4; r += 4) {
            int from = Math.max(0, firstKey[r] - base);
            int to = Math.min(KEYS, position[r + 3] + 1 - base);
            for (int d = 0; d < width; d += 2 * L) {
                AttentionProducts.values4(
                        weights,
                        r * KEYS,
                        KEYS,
                        from,
                        to,
                        keys.values,
                        keys.valueAt,
                        d,
                        Math.min(d + L, width - L),
                        sums,
                        r * stride,
                        stride,
                        shrink,
                        r);
            }
        }
        for (; r < rowEnd; r++) {
            int from = Math.max(0, firstKey[r] - base);
            int to = Math.min(KEYS, position[r] + 1 - base);
            for (int d = 0; d < width; d += 4 * L) {
                AttentionProducts.values1(
                        weights, r * KEYS, from, to, keys.values, keys.valueAt, d, width, sums, r * stride, shrink[r]);
            }
        }
    }

    @Override
    public void merge(float[] to, int t, float keep, float[] from, int f, float add, int n) {
        AttentionProducts.merge(to, t, keep, from, f, add, n);
    }

    @Override
    public void widen(short[] source, int from, float[] target, int to, int n) {
        VectorMath.widen(source, from, target, to, n);
    }

    @Override
    public void widen(byte[] source, int from, float[] target, int to, int n) {
        VectorMath.widen(source, from, target, to, n);
    }
}
