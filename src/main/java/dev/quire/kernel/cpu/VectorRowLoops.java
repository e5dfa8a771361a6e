package dev.quire.kernel.cpu;

import dev.quire.kernel.ActivationKernels.Gate;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** In the Vector API. */
final class VectorRowLoops implements RowLoops {
    private static final VectorSpecies<Float> F = Species.F;
    private static final int L = Lanes.COUNT;

    @Override
    public float sumOfSquares(float[] x, int from, int length) {
        FloatVector sum0 = FloatVector.zero(F);
        FloatVector sum1 = FloatVector.zero(F);
        int j = 0;
        for (; j <= length - 2 * L; j += 2 * L) {
            FloatVector a = FloatVector.fromArray(F, x, from + j);
            FloatVector b = FloatVector.fromArray(F, x, from + j + L);
            sum0 = a.fma(a, sum0);
            sum1 = b.fma(b, sum1);
        }
        float sum = inOrder(sum0.add(sum1));
        for (; j < length; j++) {
            sum += x[from + j] * x[from + j];
        }
        return sum;
    }

    /**
     * The lanes' sum from first to last: {@code reduceLanes} leaves the order open, and interpreted and compiled code may
     * then differ in the last bit. Lane numbers are constants, as the compiler wants them.
     */
    private static float inOrder(FloatVector v) {
        float sum = v.lane(0) + v.lane(1);
        if (L > 2) {
            sum = sum + v.lane(2) + v.lane(3);
        }
        if (L > 4) {
            sum = sum + v.lane(4) + v.lane(5) + v.lane(6) + v.lane(7);
        }
        if (L > 8) {
            sum = sum + v.lane(8) + v.lane(9) + v.lane(10) + v.lane(11);
            sum = sum + v.lane(12) + v.lane(13) + v.lane(14) + v.lane(15);
        }
        return sum;
    }

    @Override
    public void add(float[] x, int to, float[] delta, int from, float deltaScale, int length) {
        int j = 0;
        for (; j <= length - L; j += L) {
            FloatVector d = FloatVector.fromArray(F, delta, from + j);
            FloatVector.fromArray(F, x, to + j).add(d.mul(deltaScale)).intoArray(x, to + j);
        }
        for (; j < length; j++) {
            x[to + j] += delta[from + j] * deltaScale;
        }
    }

    @Override
    public void scale(
            float[] out, int to, float[] x, int from, float[] weight, int weightAt, int length, float factor) {
        int j = 0;
        for (; j <= length - L; j += L) {
            FloatVector w = FloatVector.fromArray(F, weight, weightAt + j);
            FloatVector.fromArray(F, x, from + j).mul(factor).mul(w).intoArray(out, to + j);
        }
        for (; j < length; j++) {
            out[to + j] = x[from + j] * factor * weight[weightAt + j];
        }
    }

    @Override
    public void gate(Gate gate, float[] out, int to, float[] gateUp, int from, int ffn) {
        if (gate == Gate.SILU) {
            gate(out, to, gateUp, from, ffn, gateUp, from);
        } else {
            for (int j = 0; j <= ffn - L; j += L) {
                FloatVector x = FloatVector.fromArray(F, gateUp, from + j);
                x.mul(x).mul(Gates.GELU_CUBIC).add(Gates.GELU_LINEAR).mul(x).intoArray(out, to + j);
            }
            gate(out, to, gateUp, from, ffn, out, to);
        }
        for (int j = ffn - ffn % L; j < ffn; j++) {
            out[to + j] = (float) Gates.exact(gateUp[from + j], gate) * gateUp[from + ffn + j];
        }
    }

    /** out = x · σ(z) · up in whole vectors; z may be out itself. */
    private static void gate(float[] out, int to, float[] gateUp, int from, int ffn, float[] z, int zFrom) {
        for (int j = 0; j <= ffn - L; j += L) {
            FloatVector t = FloatVector.fromArray(F, z, zFrom + j).neg();
            // Both keep NaN.
            t = t.min(Gates.MAX_EXPONENT).max(Gates.MIN_EXPONENT);
            FloatVector rounded = t.mul(Gates.LOG2_E).add(Gates.ROUNDING);
            FloatVector n = rounded.sub(Gates.ROUNDING);
            FloatVector r = t.sub(n.mul(Gates.LN2_HIGH)).sub(n.mul(Gates.LN2_LOW));
            FloatVector p = r.mul(Gates.P0).add(Gates.P1);
            p = p.mul(r).add(Gates.P2);
            p = p.mul(r).add(Gates.P3);
            p = p.mul(r).add(Gates.P4);
            p = p.mul(r).add(Gates.P5);
            p = p.mul(r).mul(r).add(r).add(1f);
            IntVector power = rounded.reinterpretAsInts().add(Gates.ROUNDING_TO_EXPONENT);
            FloatVector e = p.mul(power.lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            FloatVector x = FloatVector.fromArray(F, gateUp, from + j);
            FloatVector up = FloatVector.fromArray(F, gateUp, from + ffn + j);
            x.div(e.add(1f)).mul(up).intoArray(out, to + j);
        }
    }

    @Override
    public void rotateHalves(float[] x, int at, int half, float[] cosines, float[] sines, int row) {
        int i = 0;
        for (; i <= half - L; i += L) {
            FloatVector cos = FloatVector.fromArray(F, cosines, row + i);
            FloatVector sin = FloatVector.fromArray(F, sines, row + i);
            FloatVector a = FloatVector.fromArray(F, x, at + i);
            FloatVector b = FloatVector.fromArray(F, x, at + half + i);
            a.mul(cos).sub(b.mul(sin)).intoArray(x, at + i);
            b.mul(cos).add(a.mul(sin)).intoArray(x, at + half + i);
        }
        for (; i < half; i++) {
            float a = x[at + i];
            float b = x[at + half + i];
            x[at + i] = a * cosines[row + i] - b * sines[row + i];
            x[at + half + i] = b * cosines[row + i] + a * sines[row + i];
        }
    }
}
