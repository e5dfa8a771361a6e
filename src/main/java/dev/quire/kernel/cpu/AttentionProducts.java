package dev.quire.kernel.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The two products of attention on register tiles. Each score is one chain of fused multiply-adds over the dimensions,
 * each output element one chain over the keys: which rows share a tile changes no bit.
 *
 * <p>No loop with vectors is inside another: the compiler of JDK 17 would allocate them.
 */
final class AttentionProducts {
    private static final VectorSpecies<Float> F = Species.F;
    private static final int L = Lanes.COUNT;
    private static final int GROUP = CpuPagedKvCache.GROUP;

    private AttentionProducts() {}

    /**
     * Scores of 4 rows with two vectors of keys: s[s0 + i × sStride …] and s[s1 + …] = Σ_d q[q0 + i × dim + d] · k[k0 + d ×
     * GROUP …].
     */
    static void scores4(float[] q, int q0, int dim, float[] k, int k0, int k1, float[] s, int s0, int s1, int sStride) {
        int q1 = q0 + dim;
        int q2 = q1 + dim;
        int q3 = q2 + dim;
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector a3 = FloatVector.zero(F);
        FloatVector b0 = FloatVector.zero(F);
        FloatVector b1 = FloatVector.zero(F);
        FloatVector b2 = FloatVector.zero(F);
        FloatVector b3 = FloatVector.zero(F);
        for (int d = 0; d < dim; d++) {
            FloatVector ka = FloatVector.fromArray(F, k, k0 + d * GROUP);
            FloatVector kb = FloatVector.fromArray(F, k, k1 + d * GROUP);
            FloatVector x0 = FloatVector.broadcast(F, q[q0 + d]);
            a0 = x0.fma(ka, a0);
            b0 = x0.fma(kb, b0);
            FloatVector x1 = FloatVector.broadcast(F, q[q1 + d]);
            a1 = x1.fma(ka, a1);
            b1 = x1.fma(kb, b1);
            FloatVector x2 = FloatVector.broadcast(F, q[q2 + d]);
            a2 = x2.fma(ka, a2);
            b2 = x2.fma(kb, b2);
            FloatVector x3 = FloatVector.broadcast(F, q[q3 + d]);
            a3 = x3.fma(ka, a3);
            b3 = x3.fma(kb, b3);
        }
        a0.intoArray(s, s0);
        b0.intoArray(s, s1);
        a1.intoArray(s, s0 + sStride);
        b1.intoArray(s, s1 + sStride);
        a2.intoArray(s, s0 + 2 * sStride);
        b2.intoArray(s, s1 + 2 * sStride);
        a3.intoArray(s, s0 + 3 * sStride);
        b3.intoArray(s, s1 + 3 * sStride);
    }

    /** Scores of 1 row with four vectors of keys, whose offsets in {@code k} and {@code s} are at[u], …, at[u + 3]. */
    static void scores1(float[] q, int q0, int dim, float[] k, int[] kAt, float[] s, int s0, int[] sAt, int u) {
        int k0 = kAt[u];
        int k1 = kAt[u + 1];
        int k2 = kAt[u + 2];
        int k3 = kAt[u + 3];
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector a3 = FloatVector.zero(F);
        for (int d = 0; d < dim; d++) {
            FloatVector x = FloatVector.broadcast(F, q[q0 + d]);
            a0 = x.fma(FloatVector.fromArray(F, k, k0 + d * GROUP), a0);
            a1 = x.fma(FloatVector.fromArray(F, k, k1 + d * GROUP), a1);
            a2 = x.fma(FloatVector.fromArray(F, k, k2 + d * GROUP), a2);
            a3 = x.fma(FloatVector.fromArray(F, k, k3 + d * GROUP), a3);
        }
        a0.intoArray(s, s0 + sAt[u]);
        a1.intoArray(s, s0 + sAt[u + 1]);
        a2.intoArray(s, s0 + sAt[u + 2]);
        a3.intoArray(s, s0 + sAt[u + 3]);
    }

    /** Scores of 2 rows with four vectors of keys. */
    static void scores2(
            float[] q, int q0, int dim, float[] k, int[] kAt, float[] s, int s0, int sStride, int[] sAt, int u) {
        int k0 = kAt[u];
        int k1 = kAt[u + 1];
        int k2 = kAt[u + 2];
        int k3 = kAt[u + 3];
        int q1 = q0 + dim;
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector a3 = FloatVector.zero(F);
        FloatVector b0 = FloatVector.zero(F);
        FloatVector b1 = FloatVector.zero(F);
        FloatVector b2 = FloatVector.zero(F);
        FloatVector b3 = FloatVector.zero(F);
        for (int d = 0; d < dim; d++) {
            FloatVector x = FloatVector.broadcast(F, q[q0 + d]);
            FloatVector y = FloatVector.broadcast(F, q[q1 + d]);
            FloatVector v0 = FloatVector.fromArray(F, k, k0 + d * GROUP);
            a0 = x.fma(v0, a0);
            b0 = y.fma(v0, b0);
            FloatVector v1 = FloatVector.fromArray(F, k, k1 + d * GROUP);
            a1 = x.fma(v1, a1);
            b1 = y.fma(v1, b1);
            FloatVector v2 = FloatVector.fromArray(F, k, k2 + d * GROUP);
            a2 = x.fma(v2, a2);
            b2 = y.fma(v2, b2);
            FloatVector v3 = FloatVector.fromArray(F, k, k3 + d * GROUP);
            a3 = x.fma(v3, a3);
            b3 = y.fma(v3, b3);
        }
        a0.intoArray(s, s0 + sAt[u]);
        a1.intoArray(s, s0 + sAt[u + 1]);
        a2.intoArray(s, s0 + sAt[u + 2]);
        a3.intoArray(s, s0 + sAt[u + 3]);
        b0.intoArray(s, s0 + sStride + sAt[u]);
        b1.intoArray(s, s0 + sStride + sAt[u + 1]);
        b2.intoArray(s, s0 + sStride + sAt[u + 2]);
        b3.intoArray(s, s0 + sStride + sAt[u + 3]);
    }

    /**
     * Two vectors of dimensions of 4 rows: acc[o + i × stride + d …] = shrink[i] · itself + Σ_j p[p0 + i × pStride + j] ·
     * v[vAt[j] + d …] for keys j in [from, to), at d = d0 and d = d1.
     */
    static void values4(
            float[] p,
            int p0,
            int pStride,
            int from,
            int to,
            float[] v,
            int[] vAt,
            int d0,
            int d1,
            float[] acc,
            int o,
            int stride,
            float[] shrink,
            int row) {
        int o1 = o + stride;
        int o2 = o1 + stride;
        int o3 = o2 + stride;
        int p1 = p0 + pStride;
        int p2 = p1 + pStride;
        int p3 = p2 + pStride;
        FloatVector a0 = FloatVector.fromArray(F, acc, o + d0).mul(shrink[row]);
        FloatVector b0 = FloatVector.fromArray(F, acc, o + d1).mul(shrink[row]);
        FloatVector a1 = FloatVector.fromArray(F, acc, o1 + d0).mul(shrink[row + 1]);
        FloatVector b1 = FloatVector.fromArray(F, acc, o1 + d1).mul(shrink[row + 1]);
        FloatVector a2 = FloatVector.fromArray(F, acc, o2 + d0).mul(shrink[row + 2]);
        FloatVector b2 = FloatVector.fromArray(F, acc, o2 + d1).mul(shrink[row + 2]);
        FloatVector a3 = FloatVector.fromArray(F, acc, o3 + d0).mul(shrink[row + 3]);
        FloatVector b3 = FloatVector.fromArray(F, acc, o3 + d1).mul(shrink[row + 3]);
        for (int j = from; j < to; j++) {
            FloatVector va = FloatVector.fromArray(F, v, vAt[j] + d0);
            FloatVector vb = FloatVector.fromArray(F, v, vAt[j] + d1);
            FloatVector x0 = FloatVector.broadcast(F, p[p0 + j]);
            a0 = x0.fma(va, a0);
            b0 = x0.fma(vb, b0);
            FloatVector x1 = FloatVector.broadcast(F, p[p1 + j]);
            a1 = x1.fma(va, a1);
            b1 = x1.fma(vb, b1);
            FloatVector x2 = FloatVector.broadcast(F, p[p2 + j]);
            a2 = x2.fma(va, a2);
            b2 = x2.fma(vb, b2);
            FloatVector x3 = FloatVector.broadcast(F, p[p3 + j]);
            a3 = x3.fma(va, a3);
            b3 = x3.fma(vb, b3);
        }
        a0.intoArray(acc, o + d0);
        b0.intoArray(acc, o + d1);
        a1.intoArray(acc, o1 + d0);
        b1.intoArray(acc, o1 + d1);
        a2.intoArray(acc, o2 + d0);
        b2.intoArray(acc, o2 + d1);
        a3.intoArray(acc, o3 + d0);
        b3.intoArray(acc, o3 + d1);
    }

    /** Four vectors of dimensions of 1 row, from d = {@code d0}; those from {@code end} on repeat the last. */
    static void values1(
            float[] p,
            int p0,
            int from,
            int to,
            float[] v,
            int[] vAt,
            int d0,
            int end,
            float[] acc,
            int o,
            float shrink) {
        int last = end - L;
        int d1 = Math.min(d0 + L, last);
        int d2 = Math.min(d0 + 2 * L, last);
        int d3 = Math.min(d0 + 3 * L, last);
        FloatVector a0 = FloatVector.fromArray(F, acc, o + d0).mul(shrink);
        FloatVector a1 = FloatVector.fromArray(F, acc, o + d1).mul(shrink);
        FloatVector a2 = FloatVector.fromArray(F, acc, o + d2).mul(shrink);
        FloatVector a3 = FloatVector.fromArray(F, acc, o + d3).mul(shrink);
        for (int j = from; j < to; j++) {
            FloatVector x = FloatVector.broadcast(F, p[p0 + j]);
            int at = vAt[j];
            a0 = x.fma(FloatVector.fromArray(F, v, at + d0), a0);
            a1 = x.fma(FloatVector.fromArray(F, v, at + d1), a1);
            a2 = x.fma(FloatVector.fromArray(F, v, at + d2), a2);
            a3 = x.fma(FloatVector.fromArray(F, v, at + d3), a3);
        }
        a0.intoArray(acc, o + d0);
        a1.intoArray(acc, o + d1);
        a2.intoArray(acc, o + d2);
        a3.intoArray(acc, o + d3);
    }

    /** to[t0 + i] = to[t0 + i] · keep + from[f0 + i] · add for i in [0, n); n is a multiple of the lanes. */
    static void merge(float[] to, int t0, float keep, float[] from, int f0, float add, int n) {
        FloatVector kept = FloatVector.broadcast(F, keep);
        for (int i = 0; i < n; i += L) {
            FloatVector added = FloatVector.fromArray(F, from, f0 + i).mul(add);
            FloatVector.fromArray(F, to, t0 + i).fma(kept, added).intoArray(to, t0 + i);
        }
    }
}
