package dev.quire.kernel.cpu;

import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.ActivationScheme.Kind;

/** A row of activations rounded as {@link ActivationScheme} says, back in f32: the numbers that the codes stand for. */
final class InputRounding {
    private static final int MIN_INT8 = -128;
    private static final int MAX_INT8 = 127;
    private static final int INT8_STEPS = 255;
    private static final float MAX_E4M3 = 448;

    private InputRounding() {}

    /** dst[to, + cols) = x[from, + cols) rounded; the two may be the same. */
    static void round(PanelLoops loops, ActivationScheme scheme, float[] x, int from, int cols, float[] dst, int to) {
        int groupSize = scheme.isDynamic() && scheme.groupSize() > 0 ? scheme.groupSize() : cols;
        for (int k = 0; k < cols; k += groupSize) {
            int count = Math.min(groupSize, cols - k);
            if (scheme.kind() == Kind.E4M3) {
                float scale = scheme.isDynamic()
                        ? positive(loops.maxMagnitude(x, from + k, count) / MAX_E4M3)
                        : scheme.scale();
                loops.roundE4m3(x, from + k, count, scale, dst, to + k);
            } else {
                roundInt8(loops, scheme, x, from + k, count, dst, to + k);
            }
        }
    }

    private static void roundInt8(
            PanelLoops loops, ActivationScheme scheme, float[] x, int from, int count, float[] dst, int to) {
        float scale = scheme.scale();
        int zero = scheme.zeroPoint();
        if (scheme.isDynamic() && scheme.isSymmetric()) {
            scale = positive(loops.maxMagnitude(x, from, count) / MAX_INT8);
            zero = 0;
        } else if (scheme.isDynamic()) {
            float min = Math.min(0, loops.min(x, from, count));
            float max = Math.max(0, loops.max(x, from, count));
            scale = positive((max - min) / INT8_STEPS);
            zero = (int) Math.rint(Math.max(MIN_INT8, Math.min(MAX_INT8, MIN_INT8 - min / scale)));
        }
        loops.roundIntegers(x, from, count, scale, MIN_INT8 - zero, MAX_INT8 - zero, dst, to);
    }

    /** A row of zeros has no scale; any will do. */
    private static float positive(float scale) {
        return scale == 0 ? 1 : scale;
    }
}
