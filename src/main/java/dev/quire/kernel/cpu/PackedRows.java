package dev.quire.kernel.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Activation rows in the order the tiles read them: bands of up to {@link FloatTile#MAX_ROWS} rows of nearly equal size,
 * each [cols, rows of the band]; on the way rounded and permuted as the matrix wants it. One plain row needs no packing
 * and stays where it is.
 */
final class PackedRows {
    /** Elements below which a second thread does not pay. */
    private static final int MIN_SPREAD_LENGTH = 64 << 10;

    private final WorkerPool pool;
    private final WorkerPool.Task packTask = this::packBands;
    private final AtomicInteger nextBand = new AtomicInteger();
    private float[] packed = {};
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
        return 4L * maxCols * (maxRows + (long) numThreads * Math.min(maxRows, FloatTile.MAX_ROWS));
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
        if (isInPlace()) {
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
        return numRows == 1 && form.isPlain();
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
        // A few columns of all rows at a time: whole cache lines in and out.
        for (int k = 0; k < cols; k += 16) {
            int end = Math.min(cols, k + 16);
            for (int c = 0; c < count; c++) {
                int row = from + c * stride;
                if (order == null) {
                    for (int i = k; i < end; i++) {
                        packed[to + i * count + c] = src[row + i];
                    }
                } else {
                    for (int i = k; i < end; i++) {
                        packed[to + i * count + c] = src[row + order[i]];
                    }
                }
            }
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

    float[] array() {
        return isInPlace() ? x : packed;
    }

    int offset(int band) {
        return isInPlace() ? xOffset : firstRow(band) * cols;
    }
}
