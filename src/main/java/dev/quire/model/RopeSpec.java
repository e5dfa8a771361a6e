package dev.quire.model;

import dev.quire.kernel.RopeTable;
import org.jspecify.annotations.Nullable;

/**
 * The rotary positions of some layers; {@link RopeReader} reads it.
 *
 * @param rotaryDim dimensions of a head that are rotated, from its first
 * @param interleaved pairs (2i, 2i+1) instead of (i, i + rotaryDim / 2)
 * @param queryGrowth with a period, queries are multiplied by 1 + queryGrowth · ln(1 + ⌊p / queryGrowthPeriod⌋) at
 *     position p (Llama 4, Ministral 3)
 * @param queryGrowthPeriod 0 is off
 */
public record RopeSpec(
        double theta,
        int rotaryDim,
        boolean interleaved,
        RopeScaling scaling,
        double queryGrowth,
        int queryGrowthPeriod) {

    /**
     * The table for k, and for q too unless there is a {@link #queryTable}.
     *
     * @param maxModelLen the longest sequence that will be served; some types depend on it
     */
    public RopeTable table(int maxModelLen) {
        return new RopeTable(frequencies(maxModelLen), (float) scaling.attentionFactor(), interleaved);
    }

    /** The table for q when queries grow with their position, or null. */
    public @Nullable RopeTable queryTable(int maxModelLen) {
        if (queryGrowthPeriod == 0) {
            return null;
        }
        return new RopeTable(
                frequencies(maxModelLen),
                (float) scaling.attentionFactor(),
                interleaved,
                (float) queryGrowth,
                queryGrowthPeriod);
    }

    private float[] frequencies(int maxModelLen) {
        double[] frequencies = new double[rotaryDim / 2];
        for (int j = 0; j < frequencies.length; j++) {
            frequencies[j] = Math.pow(theta, -2.0 * j / rotaryDim);
        }
        scaling.apply(frequencies, theta, maxModelLen);
        float[] rounded = new float[frequencies.length];
        for (int j = 0; j < rounded.length; j++) {
            rounded[j] = (float) frequencies[j];
        }
        return rounded;
    }
}
