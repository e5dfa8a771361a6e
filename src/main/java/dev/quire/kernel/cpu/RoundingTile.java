package dev.quire.kernel.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Activations rounded to 8 bits, the bits of {@link PlainPanelLoops}; that one takes what fills no vector. */
final class RoundingTile {
    private static final VectorSpecies<Float> F = Species.F;
    private static final int L = Lanes.COUNT;
    private static final int MAGNITUDE = 0x7fffffff;

    private final PlainPanelLoops rest = new PlainPanelLoops();

    float maxMagnitude(float[] x, int from, int count) {
        FloatVector max = FloatVector.zero(F);
        int whole = count - count % L;
        for (int i = 0; i < whole; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, from + i);
            max = max.max(v.reinterpretAsInts().and(MAGNITUDE).reinterpretAsFloats());
        }
        float last = rest.maxMagnitude(x, from + whole, count - whole);
        return Math.max(max.reduceLanes(VectorOperators.MAX), last);
    }

    float min(float[] x, int from, int count) {
        FloatVector min = FloatVector.zero(F);
        int whole = count - count % L;
        for (int i = 0; i < whole; i += L) {
            min = min.min(FloatVector.fromArray(F, x, from + i));
        }
        return Math.min(min.reduceLanes(VectorOperators.MIN), rest.min(x, from + whole, count - whole));
    }

    float max(float[] x, int from, int count) {
        FloatVector max = FloatVector.zero(F);
        int whole = count - count % L;
        for (int i = 0; i < whole; i += L) {
            max = max.max(FloatVector.fromArray(F, x, from + i));
        }
        return Math.max(max.reduceLanes(VectorOperators.MAX), rest.max(x, from + whole, count - whole));
    }

    void roundIntegers(float[] x, int from, int count, float scale, int min, int max, float[] dst, int to) {
        int whole = count - count % L;
        for (int i = 0; i < whole; i += L) {
            FloatVector q = FloatVector.fromArray(F, x, from + i).div(scale);
            FloatVector limited = q.max((float) min).min((float) max);
            FloatVector rounded = limited.add(PlainPanelLoops.ROUNDER).sub(PlainPanelLoops.ROUNDER);
            rounded.mul(scale).intoArray(dst, to + i);
        }
        rest.roundIntegers(x, from + whole, count - whole, scale, min, max, dst, to + whole);
    }

    void roundE4m3(float[] x, int from, int count, float scale, float[] dst, int to) {
        int whole = count - count % L;
        for (int i = 0; i < whole; i += L) {
            FloatVector q = FloatVector.fromArray(F, x, from + i).div(scale);
            FloatVector limited = q.max(-PlainPanelLoops.MAX_E4M3).min(PlainPanelLoops.MAX_E4M3);
            FloatVector power =
                    limited.reinterpretAsInts().and(PlainPanelLoops.EXPONENT).reinterpretAsFloats();
            FloatVector rounder = power.max(PlainPanelLoops.MIN_E4M3_NORMAL).mul(PlainPanelLoops.E4M3_ROUNDER);
            limited.add(rounder).sub(rounder).mul(scale).intoArray(dst, to + i);
        }
        rest.roundE4m3(x, from + whole, count - whole, scale, dst, to + whole);
    }
}
