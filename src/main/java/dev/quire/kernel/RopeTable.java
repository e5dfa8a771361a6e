package dev.quire.kernel;

/**
 * Rotary frequencies of one attention layer type, the same for all backends.
 *
 * @param inverseFrequencies rotaryDim / 2 values
 * @param scale multiplies cos and sin (yarn, longrope); else 1
 * @param interleaved pairs (2i, 2i+1) instead of (i, i + rotaryDim / 2)
 */
public record RopeTable(float[] inverseFrequencies, float scale, boolean interleaved) {
    public int rotaryDim() {
        return 2 * inverseFrequencies.length;
    }
}
