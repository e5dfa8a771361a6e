package dev.quire.kernel.cpu;

import dev.quire.tensor.FloatBits;

/** Scalar loops with the bits of the vector ones. */
final class PlainAttentionLoops implements AttentionLoops {
    private static final int L = Lanes.COUNT;
    private static final int KEYS = AttentionTile.KEYS;
    private static final int GROUP = CpuPagedKvCache.GROUP;

    @Override
    public void scores(float[] q, int headDim, int rowBegin, int rowEnd, KeyTile keys, float[] scores) {
        for (int r = rowBegin; r < rowEnd; r++) {
            for (int u = 0; u < keys.numVectors; u++) {
                addScores(q, r * headDim, headDim, keys.keys, keys.keyAt[u], scores, r * KEYS + keys.scoreAt[u]);
            }
        }
    }

    private static void addScores(float[] q, int from, int headDim, float[] keys, int at, float[] scores, int to) {
        for (int lane = 0; lane < L; lane++) {
            scores[to + lane] = 0;
        }
        for (int d = 0; d < headDim; d++) {
            float x = q[from + d];
            int key = at + d * GROUP;
            for (int lane = 0; lane < L; lane++) {
                scores[to + lane] = Math.fma(x, keys[key + lane], scores[to + lane]);
            }
        }
    }

    @Override
    public void cap(float[] scores, int first, int last, float cap) {
        for (int i = first; i < last; i++) {
            scores[i] = Exponential.tanh(scores[i] / cap) * cap;
        }
    }

    @Override
    public float max(float[] scores, int first, int last, float floor, float[] scratch) {
        float max = floor;
        for (int i = first; i < last; i++) {
            max = scores[i] > max ? scores[i] : max;
        }
        return max;
    }

    @Override
    public void weights(float[] scores, int first, int last, float max, float shrink, float[] lanes, int at) {
        for (int lane = 0; lane < L; lane++) {
            float sum = lanes[at + lane] * shrink;
            for (int i = first + lane; i < last; i += L) {
                float weight = Exponential.exp(scores[i] - max);
                scores[i] = weight;
                sum += weight;
            }
            lanes[at + lane] = sum;
        }
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
        for (int r = rowBegin; r < rowEnd; r++) {
            for (int d = 0; d < width; d++) {
                sums[r * stride + d] *= shrink[r];
            }
            int end = Math.min(KEYS, position[r] + 1 - base);
            for (int j = Math.max(0, firstKey[r] - base); j < end; j++) {
                addValue(weights[r * KEYS + j], keys.values, keys.valueAt[j], sums, r * stride, width);
            }
        }
    }

    private static void addValue(float weight, float[] values, int from, float[] sums, int to, int width) {
        for (int d = 0; d < width; d++) {
            sums[to + d] = Math.fma(weight, values[from + d], sums[to + d]);
        }
    }

    @Override
    public void merge(float[] to, int t, float keep, float[] from, int f, float add, int n) {
        for (int i = 0; i < n; i++) {
            to[t + i] = Math.fma(to[t + i], keep, from[f + i] * add);
        }
    }

    @Override
    public void widen(short[] source, int from, float[] target, int to, int n) {
        for (int i = 0; i < n; i++) {
            target[to + i] = Float.intBitsToFloat(source[from + i] << 16);
        }
    }

    @Override
    public void widen(byte[] source, int from, float[] target, int to, int n) {
        for (int i = 0; i < n; i++) {
            target[to + i] = FloatBits.f8e4m3ToFloat(source[from + i]);
        }
    }
}
