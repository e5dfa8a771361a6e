package dev.quire.kernel.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** The Vector API's forms, one class of tiles for each type of weights. */
final class VectorPanelLoops implements PanelLoops {
    private static final VectorSpecies<Float> F = Species.F;
    private static final VectorSpecies<Integer> I = Species.I;
    private static final int L = Lanes.COUNT;
    /** Sign, exponent and significand of an f16 at their places in an f32, after a shift by 3. */
    private static final int F16_BITS = 0x8fffe000;
    /** Exponent bias 15 read as 127. */
    private static final float F16_SCALE = 0x1p112f;

    private final RoundingTile rounding = new RoundingTile();

    @Override
    public void accumulateFloat(
            float[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s, int numRows) {
        FloatTile.accumulate(w, wFrom, x, xFrom, count, sums, s, numRows);
    }

    @Override
    public void accumulateBf16(int[] w, int wFrom, float[] x, int xFrom, int count, float[] sums, int s, int numRows) {
        Bf16Tile.accumulate(w, wFrom, x, xFrom, count, sums, s, numRows);
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
        int done = 0;
        if (numRows == 1) {
            for (; done <= numPanels - 4; done += 4) {
                FloatTile.fourPanels(w, wFrom + done * panelLength, panelLength, x, xFrom, count, sums, done * 2 * L);
            }
        }
        return done;
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
        return numRows > 2 ? 0 : Bf16Tile.multiply(w, wFrom, panelLength, numPanels, x, xFrom, count, sums, numRows);
    }

    @Override
    public void unpackF16(int[] src, int from, int count, float[] dst) {
        for (int i = 0; i < count * L; i += L) {
            IntVector word = IntVector.fromArray(I, src, from + i);
            IntVector low = word.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 3);
            IntVector high = word.lanewise(VectorOperators.ASHR, 3);
            FloatVector first = low.and(F16_BITS).reinterpretAsFloats();
            FloatVector second = high.and(F16_BITS).reinterpretAsFloats();
            first.mul(F16_SCALE).intoArray(dst, 2 * i);
            second.mul(F16_SCALE).intoArray(dst, 2 * i + L);
        }
    }

    @Override
    public void decodeScales(
            int[] scales, int[] offsets, int from, int count, float factor, float symmetricBias, float[] dst, int to) {
        ScaleTile.decode(scales, offsets, from, count, factor, symmetricBias, dst, to);
    }

    @Override
    public void decodeBf16Scales(
            int[] scales, int[] offsets, int from, int count, float factor, float symmetricBias, float[] dst, int to) {
        ScaleTile.decodeBf16(scales, offsets, from, count, factor, symmetricBias, dst, to);
    }

    @Override
    public void decodeF16Scales(
            int[] scales, int[] offsets, int from, int count, float factor, float symmetricBias, float[] dst, int to) {
        ScaleTile.decodeF16(scales, offsets, from, count, factor, symmetricBias, dst, to);
    }

    @Override
    public void unpackCodes(PanelCodes codes, int[] w, int from, int numBlocks, float[] dst, int to) {
        switch (codes) {
            case INT4 -> GroupTile.unpack4(w, from, numBlocks, dst, to);
            case INT5 -> HighBitsTile.unpack5(w, from, numBlocks, dst, to);
            case INT6 -> HighBitsTile.unpack6(w, from, numBlocks, dst, to);
            case INT8 -> GroupTile.unpack8(w, from, numBlocks, dst, to);
            case E4M3 -> GroupTile.unpackE4m3(w, from, numBlocks, dst, to);
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
        ScaledTile.accumulate(w, wFrom, x, xFrom, count, scales, scale, xSums, xSum, sums, s, numRows);
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
        switch (codes) {
            case INT4 ->
                GroupTile.multiply4(
                        w,
                        from,
                        panelLength,
                        numPanels,
                        numBlocks,
                        groupBlocks,
                        scales,
                        panelStride,
                        groupStride,
                        x,
                        xFrom,
                        xSums,
                        xSum,
                        sums,
                        s);
            case INT5 -> {
                for (int p = 0; p < numPanels; p += 2) {
                    HighBitsTile.multiply5(
                            w,
                            from + p * panelLength,
                            panelLength,
                            numPanels - p,
                            numBlocks,
                            groupBlocks,
                            scales,
                            p * panelStride,
                            panelStride,
                            groupStride,
                            x,
                            xFrom,
                            xSums,
                            xSum,
                            sums,
                            s + p * 2 * L);
                }
            }
            case INT6 -> {
                for (int p = 0; p < numPanels; p += 2) {
                    HighBitsTile.multiply6(
                            w,
                            from + p * panelLength,
                            panelLength,
                            numPanels - p,
                            numBlocks,
                            groupBlocks,
                            scales,
                            p * panelStride,
                            panelStride,
                            groupStride,
                            x,
                            xFrom,
                            xSums,
                            xSum,
                            sums,
                            s + p * 2 * L);
                }
            }
            case INT8 ->
                GroupTile.multiply8(
                        w,
                        from,
                        panelLength,
                        numPanels,
                        numBlocks,
                        groupBlocks,
                        scales,
                        panelStride,
                        groupStride,
                        x,
                        xFrom,
                        xSums,
                        xSum,
                        sums,
                        s);
            case E4M3 ->
                GroupTile.multiplyE4m3(
                        w,
                        from,
                        panelLength,
                        numPanels,
                        numBlocks,
                        groupBlocks,
                        scales,
                        panelStride,
                        groupStride,
                        x,
                        xFrom,
                        xSums,
                        xSum,
                        sums,
                        s);
        }
    }

    @Override
    public float maxMagnitude(float[] x, int from, int count) {
        return rounding.maxMagnitude(x, from, count);
    }

    @Override
    public float min(float[] x, int from, int count) {
        return rounding.min(x, from, count);
    }

    @Override
    public float max(float[] x, int from, int count) {
        return rounding.max(x, from, count);
    }

    @Override
    public void roundIntegers(float[] x, int from, int count, float scale, int min, int max, float[] dst, int to) {
        rounding.roundIntegers(x, from, count, scale, min, max, dst, to);
    }

    @Override
    public void roundE4m3(float[] x, int from, int count, float scale, float[] dst, int to) {
        rounding.roundE4m3(x, from, count, scale, dst, to);
    }

    @Override
    public void copyPanel(float[] src, int from, float[] dst, int to) {
        FloatVector.fromArray(F, src, from).intoArray(dst, to);
        FloatVector.fromArray(F, src, from + L).intoArray(dst, to + L);
    }
}
