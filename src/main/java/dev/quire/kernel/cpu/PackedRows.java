package dev.quire.kernel.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Activation rows in the order the tiles read them: bands of up to {@link FloatTile#MAX_ROWS} rows of nearly equal size,
 * each [cols, rows of the band]; on the way rounded and permuted as the matrix wants it. One row that is used as it is
 * needs no packing and stays where it is. For quantized matrices also the sums of each {@linkplain InputForm chain}.
 */
final class PackedRows {
    /** Of the usual groups; smaller ones take more scratch than is planned. */
    private static final int MIN_GROUP_COLS = 16;

    /** Elements below which a second thread does not pay. */
    private static final int MIN_SPREAD_LENGTH = 64 << 10;

    private final WorkerPool pool;
    private final WorkerPool.Task packTask = this::packBands;
    private final AtomicInteger nextBand = new AtomicInteger();
    private float[] packed = {};
    /** [chains, rows of the band] of each band. */
    private float[] sums = {};

    private int numChains;
    /** For each task, a band's rows rounded: [MAX_ROWS, cols]. */
    private final float[][] rounded;

    private PanelLoops loops = new PlainPanelLoops();
    private InputForm form = InputForm.PLAIN;
    private float[] x = {};
    private int xOffset;
    private int xStride;
    private int numRows;
    private int numBands;
    private int cols;

    PackedRows(WorkerPool pool) {
        this.pool = pool;
        rounded = new float[pool.numThreads()][0];
    }

    /** What rows of any form take at most. */
    static long scratchBytes(int numThreads, int maxRows, int maxCols) {
        long roundedRows = (long) numThreads * Math.min(maxRows, FloatTile.MAX_ROWS);
        return 4L * maxCols * (maxRows + roundedRows) + 4L * maxRows * (maxCols / MIN_GROUP_COLS);
    }

    void set(PanelLoops loops, InputForm form, float[] x, int xOffset, int xStride, int numRows, int cols) {
        this.loops = loops;
        this.form = form;
        this.x = x;
        this.xOffset = xOffset;
        this.xStride = xStride;
        this.numRows = numRows;
        this.cols = cols;
        numBands = (numRows + FloatTile.MAX_ROWS - 1) / FloatTile.MAX_ROWS;
        numChains = form.numChains(cols);
        if (sums.length < numRows * numChains) {
            sums = new float[numRows * numChains];
        }
        if (isInPlace()) {
            sumChains(x, xOffset, 1, 0);
            return;
        }
        int length = Math.multiplyExact(numRows, cols);
        if (packed.length < length) {
            packed = new float[length];
        }
        nextBand.set(0);
        pool.run(length < MIN_SPREAD_LENGTH ? 1 : pool.numThreads(), packTask);
    }

    private boolean isInPlace() {
        return numRows == 1 && form.isInPlace();
    }

    private void packBands(int task) {
        for (int band = nextBand.getAndIncrement(); band < numBands; band = nextBand.getAndIncrement()) {
            int first = firstRow(band);
            int count = firstRow(band + 1) - first;
            int from = xOffset + first * xStride;
            if (form.rounds()) {
                float[] rows = rounded(task, count * cols);
                for (int c = 0; c < count; c++) {
                    InputRounding.round(loops, form.rounding(), x, from + c * xStride, cols, rows, c * cols);
                }
                pack(rows, 0, cols, count, offset(band));
            } else {
                pack(x, from, xStride, count, offset(band));
            }
            sumChains(packed, offset(band), count, sumOffset(band));
        }
    }

    private float[] rounded(int task, int length) {
        if (rounded[task].length < length) {
            rounded[task] = new float[length];
        }
        return rounded[task];
    }

    /** Rows {@code stride} apart to a band. */
    private void pack(float[] src, int from, int stride, int count, int to) {
        int @Nullable [] order = form.columnOrder();
        float factor = form.factor();
        // A few columns of all rows at a time: whole cache lines in and out.
        for (int k = 0; k < cols; k += 16) {
            int end = Math.min(cols, k + 16);
            for (int c = 0; c < count; c++) {
                int row = from + c * stride;
                if (order == null) {
                    for (int i = k; i < end; i++) {
                        packed[to + i * count + c] = src[row + i] * factor;
                    }
                } else {
                    for (int i = k; i < end; i++) {
                        packed[to + i * count + c] = src[row + order[i]] * factor;
                    }
                }
            }
        }
    }

    /** Always in the same order, in four chains as one would wait for itself. */
    private void sumChains(float[] src, int from, int count, int to) {
        for (int chain = 0, k = 0; chain < numChains; chain++) {
            int length = form.chainCols(k, cols);
            for (int c = 0; c < count; c++) {
                int at = from + k * count + c;
                float s0 = 0;
                float s1 = 0;
                float s2 = 0;
                float s3 = 0;
                int i = 0;
                for (; i + 4 <= length; i += 4, at += 4 * count) {
                    s0 += src[at];
                    s1 += src[at + count];
                    s2 += src[at + 2 * count];
                    s3 += src[at + 3 * count];
                }
                for (; i < length; i++, at += count) {
                    s0 += src[at];
                }
                sums[to + chain * count + c] = s0 + s1 + (s2 + s3);
            }
            k += length;
        }
    }

    int numRows() {
        return numRows;
    }

    int numBands() {
        return numBands;
    }

    /** First row of a band; numRows for the band after the last. */
    int firstRow(int band) {
        return (int) ((long) numRows * band / numBands);
    }

    int bandRows(int band) {
        return firstRow(band + 1) - firstRow(band);
    }

    /** Activations, a band's from {@link #offset}. */
    float[] array() {
        return isInPlace() ? x : packed;
    }

    float[] sums() {
        return sums;
    }

    /** Of a band's sums [chains, rows of the band]. */
    int sumOffset(int band) {
        return firstRow(band) * numChains;
    }

    InputForm form() {
        return form;
    }

    int offset(int band) {
        return isInPlace() ? xOffset : firstRow(band) * cols;
    }
}
