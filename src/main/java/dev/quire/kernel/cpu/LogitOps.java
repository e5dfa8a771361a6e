package dev.quire.kernel.cpu;

/**
 * The passes over a whole logit row; a plain and a vector form give the same bits. An instance may keep scratch: one for
 * each thread.
 *
 * <p>Weights: the unnormalised probability of a token is {@code exp((x - max) × inverseTemperature)}, all in f32 with
 * {@link Exponential}, rounded to a multiple of {@link #WEIGHT_UNIT}, ties to even. A sum of up to 2^19 such weights is
 * exact in double (and in a 64-bit integer), hence the same in any order, on any device.
 */
interface LogitOps {
    /** 2^-34. */
    double WEIGHT_UNIT = 0x1p-34;

    /** From here on a float is a multiple of 2^-34 anyway; added to something smaller, it rounds that to one. */
    float SHIFT = 0x1p-11f;

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

    /** Ids i, ascending, with low ≤ weights[i] < high; returns how many. */
    int select(float[] weights, int n, float low, float high, int[] ids);

    /** How many of weights[0, n) are ≥ threshold. */
    int countAtLeast(float[] weights, int n, float threshold);

    /** The sum of those of weights[0, n) that are ≥ threshold. */
    double sumAtLeast(float[] weights, int n, float threshold);

    /**
     * Zeroes weights[i] where values[from + i] < threshold, and sums by chunk anew; returns the total.
     *
     * @param values logits, or the weights themselves
     */
    double mask(float[] values, int from, int n, float threshold, float[] weights, double[] chunkSums);

    /** Σ exp(x - max) over x[from, from + n), unrounded. */
    double sumExp(float[] x, int from, int n, float max);

    /** How many of x[from, from + n) are greater than value. */
    int countGreater(float[] x, int from, int n, float value);

    /** Rounds e in [0, 1] to a multiple of 2^-34. */
    static float roundWeight(float e) {
        return e < SHIFT ? (e + SHIFT) - SHIFT : e;
    }

    static int numChunks(int n) {
        return (n + CHUNK - 1) / CHUNK;
    }
}
