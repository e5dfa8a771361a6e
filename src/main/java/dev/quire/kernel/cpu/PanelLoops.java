package dev.quire.kernel.cpu;

/**
 * The inner loops of matrix products. Every output is one chain of fused multiply-adds over the columns in turn, in all
 * forms: the same bits. L is {@link Lanes#COUNT}, a panel has 2L rows.
 */
interface PanelLoops {
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
     * Integers of one group to f32, see {@link GroupMatrix}.
     *
     * @param biases as scales, or empty: symmetric
     * @param scale index of the group's first scale
     * @param dst [columns, 2L] from {@code to}
     */
    void unpackGroup(
            int numBits,
            int[] src,
            int from,
            int numWords,
            float[] scales,
            float[] biases,
            int scale,
            float[] dst,
            int to);

    /** As {@link #unpackGroup}, multiplied with one activation row right away. */
    void accumulateGroup(
            int numBits,
            int[] src,
            int from,
            int numWords,
            float[] scales,
            float[] biases,
            int scale,
            float[] x,
            int xFrom,
            float[] sums,
            int s);

    /** 2L floats. */
    void copyPanel(float[] src, int from, float[] dst, int to);
}
