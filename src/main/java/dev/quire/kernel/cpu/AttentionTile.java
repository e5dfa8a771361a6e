package dev.quire.kernel.cpu;

import dev.quire.kernel.AttentionParams;
import java.util.Arrays;

/**
 * Computes tiles of an {@link AttentionPlan} with an online softmax over {@link #KEYS} keys at a time (Milakov and
 * Gimelshein, 2018; Dao et al., 2022). One per worker: its scratch is all the memory that attention needs, independent
 * of the context's length.
 */
final class AttentionTile {
    /** Keys between two looks at the maximum; a divisor of the span. */
    static final int KEYS = 64;

    private static final int L = Lanes.COUNT;

    private final KeyTile keys = new KeyTile();
    private AttentionLoops loops;

    AttentionTile(AttentionLoops loops) {
        this.loops = loops;
    }

    // Query row r = row × heads + head of the group; all arrays grow once.
    private int numRows;
    private int headDim;
    private int stride;
    /** Dimensions of V that are computed: headDim rounded up to the lanes. */
    private int width;

    private float[] q = {};
    private int[] firstKey = {};
    private int[] position = {};
    private float[] scores = {};
    // Of the span in progress.
    private float[] sums = {};
    private float[] max = {};
    private float[] lanes = {};
    private final float[] laneMax = new float[L];
    private float[] shrink = {};
    private float[] denominator = {};
    // Of all spans before.
    private float[] totalSums = {};
    private float[] totalMax = {};
    private float[] totalDenominator = {};

    /** Takes effect with the next tile. */
    void use(AttentionLoops loops) {
        this.loops = loops;
    }

    /** Computes one tile over all its keys. */
    void compute(AttentionPlan plan, int tile) {
        load(plan, tile);
        beginTotal();
        for (int span = plan.firstSpan(tile); span <= plan.lastSpan(tile); span++) {
            computeSpan(plan, tile, span);
            addToTotal(sums, 0, max, 0, denominator, 0);
        }
        store(plan, tile);
    }

    /** Computes one span of one tile; whoever ends the last of a tile adds them up. */
    void computeSpan(AttentionPlan plan, int unit) {
        int tile = plan.unitTile[unit];
        int first = plan.firstSpan(tile);
        load(plan, tile);
        computeSpan(plan, tile, plan.unitSpan[unit]);
        float[] partials = plan.partials;
        int size = plan.partialFloats(tile);
        int at = plan.tilePartial[tile] + (plan.unitSpan[unit] - first) * size;
        System.arraycopy(sums, 0, partials, at, numRows * stride);
        System.arraycopy(max, 0, partials, at + numRows * stride, numRows);
        System.arraycopy(denominator, 0, partials, at + numRows * (stride + 1), numRows);
        if (plan.spansLeft.decrementAndGet(tile) > 0) {
            return;
        }
        beginTotal();
        at = plan.tilePartial[tile];
        for (int span = first; span <= plan.lastSpan(tile); span++, at += size) {
            addToTotal(partials, at, partials, at + numRows * stride, partials, at + numRows * (stride + 1));
        }
        store(plan, tile);
    }

    /** Takes the tile's queries, scaled, and what each may see. */
    private void load(AttentionPlan plan, int tile) {
        int heads = plan.headsPerGroup;
        headDim = plan.params.headDim();
        stride = plan.cache.valueStride();
        width = Lanes.roundUp(headDim, L);
        numRows = plan.tileNumRows[tile] * heads;
        reserve(numRows, headDim);
        float scale = plan.params.scale() * plan.cache.keyScale(plan.layer);
        for (int r = 0; r < numRows; r++) {
            int row = plan.tileRow[tile] + r / heads;
            position[r] = plan.position(plan.tileSeq[tile], row);
            firstKey[r] = plan.firstKey(position[r]);
            int head = plan.tileHead[tile] * heads + r % heads;
            int from = plan.qkvOffset + row * plan.qkvStride + head * headDim;
            for (int d = 0; d < headDim; d++) {
                q[r * headDim + d] = plan.qkv[from + d] * scale;
            }
        }
    }

    private void reserve(int rows, int headDim) {
        if (position.length < rows) {
            firstKey = new int[rows];
            position = new int[rows];
            scores = new float[rows * KEYS];
            max = new float[rows];
            lanes = new float[rows * L];
            shrink = new float[rows];
            denominator = new float[rows];
            totalMax = new float[rows];
            totalDenominator = new float[rows];
        }
        if (q.length < position.length * headDim || sums.length < position.length * stride) {
            q = new float[position.length * headDim];
            sums = new float[position.length * stride];
            totalSums = new float[position.length * stride];
        }
    }

    private void computeSpan(AttentionPlan plan, int tile, int span) {
        Arrays.fill(sums, 0, numRows * stride, 0f);
        Arrays.fill(max, 0, numRows, Float.NEGATIVE_INFINITY);
        Arrays.fill(lanes, 0, numRows * L, 0f);
        int begin = Math.max(span * AttentionPlan.SPAN, firstKey[0]);
        int end = Math.min((span + 1) * AttentionPlan.SPAN, position[numRows - 1] + 1);
        int rowBegin = 0;
        int rowEnd = 0;
        for (int base = begin / KEYS * KEYS; base < end; base += KEYS) {
            // Rows are in order of positions: those that see any of these keys are a run.
            while (rowBegin < numRows && position[rowBegin] < base) {
                rowBegin++;
            }
            while (rowEnd < numRows && firstKey[rowEnd] < base + KEYS) {
                rowEnd++;
            }
            int from = Math.max(begin, base) - base;
            int to = Math.min(end, base + KEYS) - base;
            keys.load(loops, plan, tile, base, from, to);
            loops.scores(q, headDim, rowBegin, rowEnd, keys, scores);
            for (int r = rowBegin; r < rowEnd; r++) {
                softmax(r, Math.max(0, firstKey[r] - base), Math.min(KEYS, position[r] + 1 - base), plan.params);
            }
            loops.values(scores, rowBegin, rowEnd, base, firstKey, position, keys, width, sums, stride, shrink);
        }
        for (int r = 0; r < numRows; r++) {
            // One after the other: reduceLanes leaves the order open.
            float sum = 0;
            for (int i = 0; i < L; i++) {
                sum += lanes[r * L + i];
            }
            denominator[r] = sum;
        }
    }

    /** Turns the scores of the keys [from, to) into weights, and those of all others into zeros. */
    private void softmax(int r, int from, int to, AttentionParams params) {
        int first = r * KEYS + keys.scoreBegin;
        int last = r * KEYS + keys.scoreEnd;
        if (params.softCap() > 0) {
            loops.cap(scores, first, last, params.softCap());
        }
        if (from > keys.scoreBegin) {
            Arrays.fill(scores, first, r * KEYS + from, Float.NEGATIVE_INFINITY);
        }
        if (to < keys.scoreEnd) {
            Arrays.fill(scores, r * KEYS + to, last, Float.NEGATIVE_INFINITY);
        }
        float newMax = loops.max(scores, first, last, max[r], laneMax);
        shrink[r] = Exponential.exp(max[r] - newMax);
        max[r] = newMax;
        loops.weights(scores, first, last, newMax, shrink[r], lanes, r * L);
    }

    private void beginTotal() {
        Arrays.fill(totalSums, 0, numRows * stride, 0f);
        Arrays.fill(totalMax, 0, numRows, Float.NEGATIVE_INFINITY);
        Arrays.fill(totalDenominator, 0, numRows, 0f);
    }

    private void addToTotal(float[] sums, int sumsAt, float[] max, int maxAt, float[] denominator, int denominatorAt) {
        for (int r = 0; r < numRows; r++) {
            float spanMax = max[maxAt + r];
            if (spanMax == Float.NEGATIVE_INFINITY) {
                continue;
            }
            // Math.max keeps NaN.
            float newMax = Math.max(totalMax[r], spanMax);
            float keep = Exponential.exp(totalMax[r] - newMax);
            float add = Exponential.exp(spanMax - newMax);
            totalMax[r] = newMax;
            totalDenominator[r] = Math.fma(totalDenominator[r], keep, denominator[denominatorAt + r] * add);
            loops.merge(totalSums, r * stride, keep, sums, sumsAt + r * stride, add, width);
        }
    }

    private void store(AttentionPlan plan, int tile) {
        int heads = plan.headsPerGroup;
        float[] sinks = plan.params.sinks();
        float valueScale = plan.cache.valueScale(plan.layer);
        for (int r = 0; r < numRows; r++) {
            int head = plan.tileHead[tile] * heads + r % heads;
            float factor = 1f / totalDenominator[r];
            if (sinks != null) {
                float newMax = Math.max(totalMax[r], sinks[head]);
                float keep = Exponential.exp(totalMax[r] - newMax);
                factor = keep / Math.fma(totalDenominator[r], keep, Exponential.exp(sinks[head] - newMax));
            }
            factor *= valueScale;
            int to = plan.outOffset + (plan.tileRow[tile] + r / heads) * plan.outStride + head * headDim;
            for (int d = 0; d < headDim; d++) {
                plan.out[to + d] = totalSums[r * stride + d] * factor;
            }
        }
    }
}
