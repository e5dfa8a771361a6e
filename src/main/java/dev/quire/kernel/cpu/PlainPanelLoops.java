package dev.quire.kernel.cpu;

/**
 * Scalar loops with the bits of the vector ones. A lane's two chains for two activation rows at a time stay in
 * registers: four chains, about the latency of a multiply-add.
 */
final class PlainPanelLoops implements PanelLoops {
    private static final int L = Lanes.COUNT;
    private static final int HIGH = 0xffff0000;
    private static final int F16_BITS = 0x8fffe000;
    private static final float F16_SCALE = 0x1p112f;

    /** Added and taken off again, it leaves an integer: 1.5 · 2²³ has no bits below 1. */
    static final float ROUNDER = 0x1.8p23f;

    static final float MAX_E4M3 = 448;
    static final float MIN_E4M3_NORMAL = 0x1p-6f;
    static final int EXPONENT = 0x7f800000;
    /** Times the power of two below a number it leaves three bits below that when added and taken off. */
    static final float E4M3_ROUNDER = 0x1.8p20f;

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
    public void decodeScales(
            int[] scales, int[] offsets, int from, int count, float factor, float symmetricBias, float[] dst, int to) {
        for (int i = 0; i < count * 2 * L; i++) {
            float scale = Float.intBitsToFloat(scales[from + i]) * factor;
            int at = to + i / (2 * L) * 4 * L + i % (2 * L);
            dst[at] = scale;
            dst[at + 2 * L] =
                    offsets.length == 0 ? scale * symmetricBias : Float.intBitsToFloat(offsets[from + i]) - scale;
        }
    }

    @Override
    public void decodeBf16Scales(
            int[] scales, int[] offsets, int from, int count, float factor, float symmetricBias, float[] dst, int to) {
        for (int i = 0; i < count * L; i++) {
            int at = to + i / L * 4 * L + i % L;
            for (int half = 0; half < 2; half++) {
                float scale = Float.intBitsToFloat(bf16Half(scales[from + i], half)) * factor;
                dst[at + half * L] = scale;
                dst[at + (2 + half) * L] = offsets.length == 0
                        ? scale * symmetricBias
                        : Float.intBitsToFloat(bf16Half(offsets[from + i], half)) - scale;
            }
        }
    }

    private static int bf16Half(int word, int half) {
        return half == 0 ? word << 16 : word & HIGH;
    }

    @Override
    public void decodeF16Scales(
            int[] scales, int[] offsets, int from, int count, float factor, float symmetricBias, float[] dst, int to) {
        for (int i = 0; i < count * L; i++) {
            int at = to + i / L * 4 * L + i % L;
            for (int half = 0; half < 2; half++) {
                float scale = f16Half(scales[from + i], half) * factor;
                dst[at + half * L] = scale;
                dst[at + (2 + half) * L] =
                        offsets.length == 0 ? scale * symmetricBias : f16Half(offsets[from + i], half) - scale;
            }
        }
    }

    private static float f16Half(int word, int half) {
        int top = half == 0 ? word << 16 : word;
        return Float.intBitsToFloat(top >> 3 & F16_BITS) * F16_SCALE;
    }

    @Override
    public void unpackCodes(PanelCodes codes, int[] w, int from, int numBlocks, float[] dst, int to) {
        for (int row = 0; row < 2 * L; row++) {
            int at = to + row;
            for (int block = 0; block < numBlocks; block++) {
                int words = from + block * codes.blockWords * L;
                for (int i = 0; i < codes.blockCols; i++, at += 2 * L) {
                    dst[at] = codes.value(codes.get(w, words, i, row));
                }
            }
        }
    }

    @Override
    public void accumulateGroup(
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
            int numRows) {
        for (int c = 0; c < numRows; c++) {
            float xGroup = xSums[xSum + c];
            for (int row = 0; row < L; row++) {
                float a = 0;
                float b = 0;
                for (int k = 0; k < count; k++) {
                    float v = x[xFrom + k * numRows + c];
                    a = Math.fma(w[wFrom + k * 2 * L + row], v, a);
                    b = Math.fma(w[wFrom + k * 2 * L + L + row], v, b);
                }
                int at = s + c * 2 * L + row;
                int low = scale + row;
                int high = low + L;
                sums[at] = Math.fma(scales[low + 2 * L], xGroup, Math.fma(a, scales[low], sums[at]));
                sums[at + L] = Math.fma(scales[high + 2 * L], xGroup, Math.fma(b, scales[high], sums[at + L]));
            }
        }
    }

    @Override
    public void multiplyCodes(
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
            int s) {
        for (int panel = 0; panel < numPanels; panel++) {
            for (int row = 0; row < 2 * L; row++) {
                int scale = panel * panelStride + row;
                int at = s + panel * 2 * L + row;
                for (int first = 0, g = 0; first < numBlocks; first += groupBlocks, g++) {
                    float sum = 0;
                    int end = Math.min(first + groupBlocks, numBlocks);
                    for (int block = first; block < end; block++) {
                        int words = from + panel * panelLength + block * codes.blockWords * L;
                        for (int i = 0; i < codes.blockCols; i++) {
                            float value = codes.value(codes.get(w, words, i, row));
                            sum = Math.fma(value, x[xFrom + block * codes.blockCols + i], sum);
                        }
                    }
                    sums[at] = Math.fma(sum, scales[scale], sums[at]);
                    sums[at] = Math.fma(scales[scale + 2 * L], xSums[xSum + g], sums[at]);
                    scale += groupStride;
                }
            }
        }
    }

    @Override
    public float maxMagnitude(float[] x, int from, int count) {
        float max = 0;
        for (int i = from; i < from + count; i++) {
            max = Math.max(max, Math.abs(x[i]));
        }
        return max;
    }

    @Override
    public float min(float[] x, int from, int count) {
        float min = 0;
        for (int i = from; i < from + count; i++) {
            min = Math.min(min, x[i]);
        }
        return min;
    }

    @Override
    public float max(float[] x, int from, int count) {
        float max = 0;
        for (int i = from; i < from + count; i++) {
            max = Math.max(max, x[i]);
        }
        return max;
    }

    @Override
    public void roundIntegers(float[] x, int from, int count, float scale, int min, int max, float[] dst, int to) {
        for (int i = 0; i < count; i++) {
            float q = Math.min(max, Math.max(min, x[from + i] / scale));
            dst[to + i] = (q + ROUNDER - ROUNDER) * scale;
        }
    }

    @Override
    public void roundE4m3(float[] x, int from, int count, float scale, float[] dst, int to) {
        for (int i = 0; i < count; i++) {
            float q = Math.min(MAX_E4M3, Math.max(-MAX_E4M3, x[from + i] / scale));
            int exponent = Float.floatToRawIntBits(q) & EXPONENT;
            float rounder = Math.max(Float.intBitsToFloat(exponent), MIN_E4M3_NORMAL) * E4M3_ROUNDER;
            dst[to + i] = (q + rounder - rounder) * scale;
        }
    }

    @Override
    public void copyPanel(float[] src, int from, float[] dst, int to) {
        for (int i = 0; i < 2 * L; i++) {
            dst[to + i] = src[from + i];
        }
    }
}
