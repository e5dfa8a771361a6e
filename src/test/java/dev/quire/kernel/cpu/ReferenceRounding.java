package dev.quire.kernel.cpu;

import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.FloatBits;

/** Activations rounded as the definition says, number by number. */
final class ReferenceRounding {
    private ReferenceRounding() {}

    static float[] round(ActivationScheme scheme, float[] x) {
        float[] rounded = x.clone();
        if (scheme.kind() == ActivationScheme.Kind.NONE) {
            return rounded;
        }
        int group = scheme.isDynamic() && scheme.groupSize() > 0 ? scheme.groupSize() : x.length;
        for (int first = 0; first < x.length; first += group) {
            int end = Math.min(x.length, first + group);
            float min = 0;
            float max = 0;
            for (int k = first; k < end; k++) {
                min = Math.min(min, x[k]);
                max = Math.max(max, x[k]);
            }
            for (int k = first; k < end; k++) {
                rounded[k] = scheme.kind() == ActivationScheme.Kind.E4M3
                        ? e4m3(scheme, x[k], Math.max(-min, max))
                        : int8(scheme, x[k], min, max);
            }
        }
        return rounded;
    }

    private static float int8(ActivationScheme scheme, float x, float min, float max) {
        float scale = scheme.scale();
        long zero = scheme.zeroPoint();
        if (scheme.isDynamic()) {
            scale = scheme.isSymmetric() ? Math.max(-min, max) / 127 : (max - min) / 255;
            scale = scale == 0 ? 1 : scale;
            zero = scheme.isSymmetric() ? 0 : clamp((long) Math.rint(-128 - min / scale));
        }
        long q = clamp((long) Math.rint(x / scale) + zero);
        return (q - zero) * scale;
    }

    private static long clamp(long q) {
        return Math.max(-128, Math.min(127, q));
    }

    private static float e4m3(ActivationScheme scheme, float x, float max) {
        float scale = scheme.isDynamic() ? max / 448 : scheme.scale();
        scale = scale == 0 ? 1 : scale;
        float value = Math.max(-448, Math.min(448, x / scale));
        // The nearest of all, the even one of two.
        int best = 0;
        for (int code = 0; code < 256; code++) {
            if ((code & 0x7f) != 0x7f) {
                double error = Math.abs((double) FloatBits.f8e4m3ToFloat((byte) code) - value);
                double least = Math.abs((double) FloatBits.f8e4m3ToFloat((byte) best) - value);
                if (error < least || error == least && (code & 1) == 0) {
                    best = code;
                }
            }
        }
        return FloatBits.f8e4m3ToFloat((byte) best) * scale;
    }
}
