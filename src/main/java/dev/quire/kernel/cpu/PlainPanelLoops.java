package dev.quire.kernel.cpu;

/**
 * Scalar loops with the bits of the vector ones. A lane's two chains for two activation rows at a time stay in
 * registers: four chains, about the latency of a multiply-add.
 */
final class PlainPanelLoops implements PanelLoops {
    private static final int L = Lanes.COUNT;
    private static final int HIGH = 0xffff0000;
    private static final int ONE = 0x3f800000;
    private static final int SIGNIFICAND_BITS = 23;
    private static final float SYMMETRIC_BIAS = -1.5f;
    private static final int F16_BITS = 0x8fffe000;
    private static final float F16_SCALE = 0x1p112f;

    @Override
    public void accumulateFloat(
            float[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s, int numRows) {
        int c = 0;
        for (; c + 2 <= numRows; c += 2) {
            for (int lane = 0; lane < L; lane++) {
                floatChains2(w, wFrom + lane, x, xFrom + c, count, sums, s + c * 2 * L + lane, numRows);
            }
        }
        if (c < numRows) {
            for (int lane = 0; lane < L; lane++) {
                floatChains1(w, wFrom + lane, x, xFrom + c, count, sums, s + c * 2 * L + lane, numRows);
            }
        }
    }

    private static void floatChains2(
            float[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s, int numRows) {
        float a0 = sums[s];
        float b0 = sums[s + L];
        float a1 = sums[s + 2 * L];
        float b1 = sums[s + 3 * L];
        for (int k = 0; k < count; k++) {
            float low = w[wFrom + k * 2 * L];
            float high = w[wFrom + k * 2 * L + L];
            float x0 = x[xFrom + k * numRows];
            float x1 = x[xFrom + k * numRows + 1];
            a0 = Math.fma(low, x0, a0);
            b0 = Math.fma(high, x0, b0);
            a1 = Math.fma(low, x1, a1);
            b1 = Math.fma(high, x1, b1);
        }
        sums[s] = a0;
        sums[s + L] = b0;
        sums[s + 2 * L] = a1;
        sums[s + 3 * L] = b1;
    }

    private static void floatChains1(
            float[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s, int numRows) {
        float a = sums[s];
        float b = sums[s + L];
        for (int k = 0; k < count; k++) {
            float v = x[xFrom + k * numRows];
            a = Math.fma(w[wFrom + k * 2 * L], v, a);
            b = Math.fma(w[wFrom + k * 2 * L + L], v, b);
        }
        sums[s] = a;
        sums[s + L] = b;
    }

    @Override
    public void accumulateBf16(int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s, int numRows) {
        int c = 0;
        for (; c + 2 <= numRows; c += 2) {
            for (int lane = 0; lane < L; lane++) {
                bf16Chains2(w, wFrom + lane, x, xFrom + c, count, sums, s + c * 2 * L + lane, numRows);
            }
        }
        if (c < numRows) {
            for (int lane = 0; lane < L; lane++) {
                bf16Chains1(w, wFrom + lane, x, xFrom + c, count, sums, s + c * 2 * L + lane, numRows);
            }
        }
    }

    private static void bf16Chains2(
            int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s, int numRows) {
        float a0 = sums[s];
        float b0 = sums[s + L];
        float a1 = sums[s + 2 * L];
        float b1 = sums[s + 3 * L];
        for (int k = 0; k < count; k++) {
            int word = w[wFrom + k * L];
            float low = Float.intBitsToFloat(word << 16);
            float high = Float.intBitsToFloat(word & HIGH);
            float x0 = x[xFrom + k * numRows];
            float x1 = x[xFrom + k * numRows + 1];
            a0 = Math.fma(low, x0, a0);
            b0 = Math.fma(high, x0, b0);
            a1 = Math.fma(low, x1, a1);
            b1 = Math.fma(high, x1, b1);
        }
        sums[s] = a0;
        sums[s + L] = b0;
        sums[s + 2 * L] = a1;
        sums[s + 3 * L] = b1;
    }

    private static void bf16Chains1(
            int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s, int numRows) {
        float a = sums[s];
        float b = sums[s + L];
        for (int k = 0; k < count; k++) {
            int word = w[wFrom + k * L];
            float v = x[xFrom + k * numRows];
            a = Math.fma(Float.intBitsToFloat(word << 16), v, a);
            b = Math.fma(Float.intBitsToFloat(word & HIGH), v, b);
        }
        sums[s] = a;
        sums[s + L] = b;
    }

    @Override
    public int multiplyFloat(
            float[] w,
            int wFrom,
            int panelLength,
            int numPanels,
            float[] x,
            int xFrom,
            int count,
            float[] sums,
            int numRows) {
        return 0;
    }

    @Override
    public int multiplyBf16(
            int[] w,
            int wFrom,
            int panelLength,
            int numPanels,
            float[] x,
            int xFrom,
            int count,
            float[] sums,
            int numRows) {
        return 0;
    }

    @Override
    public void unpackF16(int[] src, int from, int count, float[] dst) {
        for (int k = 0; k < count; k++) {
            for (int lane = 0; lane < L; lane++) {
                int word = src[from + k * L + lane];
                dst[2 * k * L + lane] = Float.intBitsToFloat(word << 16 >> 3 & F16_BITS) * F16_SCALE;
                dst[2 * k * L + L + lane] = Float.intBitsToFloat(word >> 3 & F16_BITS) * F16_SCALE;
            }
        }
    }

    @Override
    public void unpackGroup(
            int numBits,
            int[] src,
            int from,
            int numWords,
            float[] scales,
            float[] biases,
            int scale,
            float[] dst,
            int to) {
        int wordCols = 16 / numBits;
        for (int lane = 0; lane < L; lane++) {
            float low = scales[scale + lane];
            float high = scales[scale + L + lane];
            float lowBias = bias(scales, biases, scale + lane);
            float highBias = bias(scales, biases, scale + L + lane);
            for (int i = 0; i < numWords; i++) {
                int word = src[from + i * L + lane];
                for (int c = 0; c < wordCols; c++) {
                    int at = to + (i * wordCols + c) * 2 * L + lane;
                    dst[at] = Math.fma(significand(word, 2 * c, numBits), low, lowBias);
                    dst[at + L] = Math.fma(significand(word, 2 * c + 1, numBits), high, highBias);
                }
            }
        }
    }

    @Override
    public void accumulateGroup(
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
            int s) {
        int wordCols = 16 / numBits;
        for (int lane = 0; lane < L; lane++) {
            float low = scales[scale + lane];
            float high = scales[scale + L + lane];
            float lowBias = bias(scales, biases, scale + lane);
            float highBias = bias(scales, biases, scale + L + lane);
            float a = sums[s + lane];
            float b = sums[s + L + lane];
            for (int i = 0; i < numWords; i++) {
                int word = src[from + i * L + lane];
                for (int c = 0; c < wordCols; c++) {
                    float v = x[xFrom + i * wordCols + c];
                    a = Math.fma(Math.fma(significand(word, 2 * c, numBits), low, lowBias), v, a);
                    b = Math.fma(Math.fma(significand(word, 2 * c + 1, numBits), high, highBias), v, b);
                }
            }
            sums[s + lane] = a;
            sums[s + L + lane] = b;
        }
    }

    private static float bias(float[] scales, float[] biases, int at) {
        return biases.length == 0 ? scales[at] * SYMMETRIC_BIAS : biases[at];
    }

    /** 1 + q / 2ⁿ. */
    private static float significand(int word, int index, int numBits) {
        int q = word >>> index * numBits & (1 << numBits) - 1;
        return Float.intBitsToFloat(ONE | q << SIGNIFICAND_BITS - numBits);
    }

    @Override
    public void copyPanel(float[] src, int from, float[] dst, int to) {
        for (int i = 0; i < 2 * L; i++) {
            dst[to + i] = src[from + i];
        }
    }
}
