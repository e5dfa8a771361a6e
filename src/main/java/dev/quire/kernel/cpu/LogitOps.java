package dev.quire.kernel.cpu;

/**
 * The passes over a whole logit row; a plain and a vector form give the same bits.
 *
 * <p>Weights: the unnormalised probability of a token is {@code exp((x - max) × inverseTemperature)}, all in f32 with
 * {@link Exponential}, rounded to a multiple of {@link #WEIGHT_UNIT}, ties to even. A sum of up to 2^19 such weights is
 * exact in double (and in a 64-bit integer), hence the same in any order, on any device.
 */
interface LogitOps {
    /** 2^-34. */
    double WEIGHT_UNIT = 0x1p-34;

    /** Tokens whose weights are summed together in {@link #weights}. */
    int CHUNK = 512;

    /** The largest of x[from, from + n); NaN when one is NaN. */
    float max(float[] x, int from, int n);

    /** The first i with x[from + i] == value; n when there is none. */
    int indexOf(float[] x, int from, int n, float value);

    /**
     * Weights of x[from, from + n) into {@code weights[0, n)}, their sums by {@link #CHUNK} into {@code chunkSums};
     * returns the total.
     */
    double weights(
            float[] x, int from, int n, float max, float inverseTemperature, float[] weights, double[] chunkSums);

    /** Ids i, ascending, with weights[i] ≥ threshold; returns how many. */
    int select(float[] weights, int n, float threshold, int[] ids);

    /** Σ exp(x - max) over x[from, from + n), unrounded. */
    double sumExp(float[] x, int from, int n, float max);

    /** How many of x[from, from + n) are greater than value. */
    int countGreater(float[] x, int from, int n, float value);

    /** Rounds e in [0, 1] to a multiple of 2^-34. */
    static float roundWeight(float e) {
        // From 2^-11 on a float already is one; 2^-11 + e has an ulp of 2^-34.
        return e < 0x1p-11f ? (e + 0x1p-11f) - 0x1p-11f : e;
    }

    static int numChunks(int n) {
        return (n + CHUNK - 1) / CHUNK;
    }
}
