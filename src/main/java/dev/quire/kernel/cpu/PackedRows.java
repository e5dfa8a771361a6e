package dev.quire.kernel.cpu;

/**
 * Activation rows in the order the tiles read them: bands of up to {@link FloatTile#MAX_ROWS} rows of nearly equal size,
 * each [cols, rows of the band]. One row needs no packing and stays where it is.
 */
final class PackedRows {
    private final WorkerPool pool;
    private final WorkerPool.Task packTask = this::packBand;
    private float[] packed = {};
    private float[] x = {};
    private int xOffset;
    private int xStride;
    private int numRows;
    private int numBands;
    private int cols;

    PackedRows(WorkerPool pool) {
        this.pool = pool;
    }

    static long scratchBytes(int maxRows, int maxCols) {
        return maxRows <= 1 ? 0 : 4L * maxRows * maxCols;
    }

    void set(float[] x, int xOffset, int xStride, int numRows, int cols) {
        this.x = x;
        this.xOffset = xOffset;
        this.xStride = xStride;
        this.numRows = numRows;
        this.cols = cols;
        numBands = (numRows + FloatTile.MAX_ROWS - 1) / FloatTile.MAX_ROWS;
        if (numRows == 1) {
            return;
        }
        int length = Math.multiplyExact(numRows, cols);
        if (packed.length < length) {
            packed = new float[length];
        }
        if (length < 64 << 10) {
            for (int band = 0; band < numBands; band++) {
                packBand(band);
            }
        } else {
            pool.run(numBands, packTask);
        }
    }

    private void packBand(int band) {
        int first = firstRow(band);
        int count = firstRow(band + 1) - first;
        int to = offset(band);
        // A few columns of all rows at a time: whole cache lines in and out.
        for (int k = 0; k < cols; k += 16) {
            int end = Math.min(cols, k + 16);
            for (int c = 0; c < count; c++) {
                int from = xOffset + (first + c) * xStride;
                for (int i = k; i < end; i++) {
                    packed[to + i * count + c] = x[from + i];
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
        return numRows == 1 ? x : packed;
    }

    int offset(int band) {
        return numRows == 1 ? xOffset : firstRow(band) * cols;
    }
}
