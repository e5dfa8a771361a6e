package dev.quire.kernel;

import java.util.Arrays;

/**
 * What an FP8 cache divides K and V of each layer by before it rounds them: a cached value is kv / scale. Other caches keep
 * values as they are.
 *
 * @param keys [numLayers], finite and above 0
 * @param values [numLayers], finite and above 0
 */
public record KvScales(float[] keys, float[] values) {
    public KvScales {
        keys = keys.clone();
        values = values.clone();
        if (keys.length != values.length) {
            throw new IllegalArgumentException(
                    keys.length + " scales of keys, " + values.length + " of values: one of each a layer");
        }
        for (int i = 0; i < keys.length; i++) {
            check("k_scale", i, keys[i]);
            check("v_scale", i, values[i]);
        }
    }

    private static void check(String name, int layer, float scale) {
        if (!(scale > 0 && scale < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    name + " of layer " + layer + " must be finite and above 0, got " + scale);
        }
    }

    /** No scaling: what vLLM does without scales in the checkpoint. */
    public static KvScales ones(int numLayers) {
        float[] ones = new float[numLayers];
        Arrays.fill(ones, 1f);
        return new KvScales(ones, ones);
    }

    /** For the log: the smallest and the largest, or the one they all are. */
    public static String range(float[] scales) {
        float least = Float.POSITIVE_INFINITY;
        float most = 0;
        for (float scale : scales) {
            least = Math.min(least, scale);
            most = Math.max(most, scale);
        }
        return least == most ? Float.toString(least) : least + " to " + most;
    }

    public int numLayers() {
        return keys.length;
    }

    public float key(int layer) {
        return keys[layer];
    }

    public float value(int layer) {
        return values[layer];
    }
}
