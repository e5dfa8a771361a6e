package dev.quire.kernel.cpu;

/**
 * The inner loops of attention over one {@link KeyTile}; all forms give the same bits. Query row r's scores are
 * scores[r × {@link AttentionTile#KEYS} + key], ranges [first, last) in them are whole vectors.
 */
interface AttentionLoops {
    /** Scores of the rows [rowBegin, rowEnd) with all keys of the tile: one chain over the dimensions each. */
    void scores(float[] q, int headDim, int rowBegin, int rowEnd, KeyTile keys, float[] scores);

    /** s = cap · tanh(s / cap). */
    void cap(float[] scores, int first, int last, float cap);

    /**
     * The largest of scores[first, last) and {@code floor}; NaN is passed over.
     *
     * @param scratch {@link Lanes#COUNT} floats
     */
    float max(float[] scores, int first, int last, float floor, float[] scratch);

    /** s = e^(s - max), added to the sums lanes[at + l], which are multiplied with {@code shrink} before. */
    void weights(float[] scores, int first, int last, float max, float shrink, float[] lanes, int at);

    /**
     * sums[r × stride + d] = sums · shrink[r] + Σ weight · V over the keys that row r sees, in turn, d in [0, width).
     *
     * @param base position of the tile's first key
     * @param firstKey the first position that a row sees; {@code position}: the last
     */
    void values(
            float[] weights,
            int rowBegin,
            int rowEnd,
            int base,
            int[] firstKey,
            int[] position,
            KeyTile keys,
            int width,
            float[] sums,
            int stride,
            float[] shrink);

    /** to[t + i] = to[t + i] · keep + from[f + i] · add for i in [0, n); n is a multiple of the lanes. */
    void merge(float[] to, int t, float keep, float[] from, int f, float add, int n);

    /** Widens n bf16 values; n is a multiple of the lanes. */
    void widen(short[] source, int from, float[] target, int to, int n);

    /** Widens n FP8 E4M3 values; n is a multiple of 16. */
    void widen(byte[] source, int from, float[] target, int to, int n);
}
