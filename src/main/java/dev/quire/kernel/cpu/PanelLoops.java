package dev.quire.kernel.cpu;

/**
 * The inner loops of matrix products. Every output is one chain of fused multiply-adds over the columns in turn, in all
 * forms: the same bits; with codes, see {@link GroupMatrix}, one chain a group. L is {@link Lanes#COUNT}, a panel has 2L rows.
 */
interface PanelLoops {
    /** Panels that {@link #multiplyCodes} takes at once. */
    int CODE_PANELS = 4;

    /**
     * sums[c, :] += Σ w[k, :] · x[k, c] over count columns, c in [0, numRows).
     *
     * @param w f32 [count, 2L] from wFrom
     * @param x [count, numRows] from xFrom
     * @param sums [numRows, 2L] from s
     * @param numRows 1 to {@link FloatTile#MAX_ROWS}
     */
    void accumulateFloat(float[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s, int numRows);

    /** As {@link #accumulateFloat}, w bf16 [count, L] words from wFrom: row l low, row L + l high. */
    void accumulateBf16(int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s, int numRows);

    /**
     * sums[p, c, :] = products of panels panelLength elements apart, several at a time.
     *
     * @return how many panels it took, from the first; the others are left to {@link #accumulateFloat}
     */
    int multiplyFloat(
            float[] w,
            int wFrom,
            int panelLength,
            int numPanels,
            float[] x,
            int xFrom,
            int count,
            float[] sums,
            int numRows);

    /** As {@link #multiplyFloat}, for bf16. */
    int multiplyBf16(
            int[] w,
            int wFrom,
            int panelLength,
            int numPanels,
            float[] x,
            int xFrom,
            int count,
            float[] sums,
            int numRows);

    /** f16 words [count, L] from {@code from} to f32 at dst[0]. */
    void unpackF16(int[] src, int from, int count, float[] dst);

    /**
     * Scales of groups to what the loops of codes read.
     *
     * @param scales f32 [count, 2L] from {@code from}
     * @param offsets as scales, or empty: symmetric
     * @param factor power of two; multiplies the scales
     * @param symmetricBias times a scale with its factor the bias, where there are no offsets; else that is offset − scale
     * @param dst [count, 4L] from {@code to}: scales of a panel's rows, then biases
     */
    void decodeScales(
            int[] scales, int[] offsets, int from, int count, float factor, float symmetricBias, float[] dst, int to);

    /** As {@link #decodeScales}, of bf16 words [count, L]: row l low, row L + l high. */
    void decodeBf16Scales(
            int[] scales, int[] offsets, int from, int count, float factor, float symmetricBias, float[] dst, int to);

    /** As {@link #decodeBf16Scales}, of f16. */
    void decodeF16Scales(
            int[] scales, int[] offsets, int from, int count, float factor, float symmetricBias, float[] dst, int to);

    /**
     * Codes to what they are read as, see {@link PanelCodes#value}, exactly.
     *
     * @param numBlocks blocks from {@code from}
     * @param dst [columns, 2L] from {@code to}
     */
    void unpackCodes(PanelCodes codes, int[] w, int from, int numBlocks, float[] dst, int to);

    /**
     * One group: sums[c, :] += (Σ w[k, :] · x[k, c]) · scale + xSums[c] · bias, the chain over count columns from 0.
     *
     * @param w [count, 2L] from wFrom, see {@link #unpackCodes}
     * @param scales scales and biases [4L] from {@code scale}, see {@link #decodeScales}
     * @param xSums [numRows] from xSum: Σ x[k, c]
     */
    void accumulateGroup(
            float[] w,
            int wFrom,
            float[] x,
            int xFrom,
            int count,
            float[] scales,
            int scale,
            float[] xSums,
            int xSum,
            float[] sums,
            int s,
            int numRows);

    /**
     * Up to {@link #CODE_PANELS} panels of codes times one row, with the bits of {@link #accumulateGroup} on what {@link
     * #unpackCodes} makes of them. Writes sums of {@link #CODE_PANELS} panels; those beyond numPanels mean nothing.
     *
     * @param from the first panel's first block, others panelLength words apart
     * @param numBlocks blocks of each
     * @param groupBlocks blocks of a group, the last may be shorter
     * @param scales [4L] of the first panel's first group from 0, other panels' panelStride and groups' groupStride apart
     * @param xSums [groups] from xSum
     * @param sums [CODE_PANELS, 2L] from s
     */
    void multiplyCodes(
            PanelCodes codes,
            int[] w,
            int from,
            int panelLength,
            int numPanels,
            int numBlocks,
            int groupBlocks,
            float[] scales,
            int panelStride,
            int groupStride,
            float[] x,
            int xFrom,
            float[] xSums,
            int xSum,
            float[] sums,
            int s);

    /** The largest |x[from, + count)|; 0 of nothing. */
    float maxMagnitude(float[] x, int from, int count);

    /** The smallest x[from, + count), at most 0. */
    float min(float[] x, int from, int count);

    /** The largest x[from, + count), at least 0. */
    float max(float[] x, int from, int count);

    /** dst[to + i] = q · scale, q = x[from + i] / scale rounded to an integer, ties to even, and limited; limits up to ±2²². */
    void roundIntegers(float[] x, int from, int count, float scale, int min, int max, float[] dst, int to);

    /** dst[to + i] = q · scale, q = x[from + i] / scale rounded to E4M3, ties to even, saturated at ±448. */
    void roundE4m3(float[] x, int from, int count, float scale, float[] dst, int to);

    /** 2L floats. */
    void copyPanel(float[] src, int from, float[] dst, int to);
}
