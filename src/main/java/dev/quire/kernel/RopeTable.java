package dev.quire.kernel;

/**
 * Rotary frequencies of one attention layer type, the same for all backends.
 *
 * @param inverseFrequencies rotaryDim / 2 values
 * @param scale multiplies cos and sin (yarn, longrope); else 1
 * @param interleaved pairs (2i, 2i+1) instead of (i, i + rotaryDim / 2)
 * @param growth with a growthPeriod, cos and sin at position p are multiplied by 1 + growth · ln(1 + ⌊p / growthPeriod⌋) too:
 *     queries that grow with the position (Llama 4, Ministral 3)
 * @param growthPeriod positions; 0 is off
 */
public record RopeTable(float[] inverseFrequencies, float scale, boolean interleaved, float growth, int growthPeriod) {
    public RopeTable(float[] inverseFrequencies, float scale, boolean interleaved) {
        this(inverseFrequencies, scale, interleaved, 0f, 0);
    }

    /** What cos and sin are multiplied by at a position. */
    public float scaleAt(int position) {
        return growthPeriod == 0 ? scale : scale * (float) (1 + growth * Math.log(1 + position / growthPeriod));
    }

    public int rotaryDim() {
        return 2 * inverseFrequencies.length;
    }
}
