package dev.quire.kernel.cpu;

import dev.quire.tensor.FloatBits;
import dev.quire.tensor.Tensor;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The activations of a step outside the heap, as bf16, nearest, ties to even, or as they are; rows of zeros make them
 * whole chunks.
 */
final class OneDnnRows implements AutoCloseable {
    private final WorkerPool pool;
    private final OneDnnWorker[] workers;
    private final boolean bf16;
    private final WorkerPool.Task task = this::copyRows;
    private final AtomicInteger next = new AtomicInteger();
    private NativeBytes bytes = new NativeBytes(0);
    private ShortBuffer shorts = bytes.view().asShortBuffer();
    private FloatBuffer floats = bytes.view().asFloatBuffer();

    // Arguments of the call under way.
    private float[] x = {};
    private int xOffset;
    private int xStride;
    private int numCols;
    private int numRows;
    private int numPadded;

    /** @param bf16 round to bf16, else f32 */
    OneDnnRows(WorkerPool pool, OneDnnWorker[] workers, boolean bf16) {
        this.pool = pool;
        this.bf16 = bf16;
        this.workers = workers;
    }

    /** Takes the first rows and columns of a tensor; grows with the largest step. */
    void set(Tensor x, int numRows, int numCols) {
        this.x = x.floats();
        xOffset = (int) x.offset();
        xStride = x.rowStride();
        this.numCols = numCols;
        this.numRows = numRows;
        numPadded = Lanes.roundUp(numRows, OneDnnShape.MIN_CHUNK_ROWS);
        int numBytes = Math.toIntExact((bf16 ? 2L : 4L) * numPadded * numCols);
        if (numBytes > bytes.numBytes()) {
            bytes.close();
            bytes = new NativeBytes(numBytes);
            shorts = bytes.view().asShortBuffer();
            floats = bytes.view().asFloatBuffer();
        }
        next.set(0);
        pool.run(pool.numThreads(), task);
    }

    private void copyRows(int worker) {
        short[] bits = workers[worker].bits();
        for (int row = next.getAndIncrement(); row < numPadded; row = next.getAndIncrement()) {
            int from = xOffset + row * xStride;
            int to = row * numCols;
            if (row >= numRows) {
                clear(to);
            } else if (bf16) {
                for (int k = 0; k < numCols; k++) {
                    bits[k] = FloatBits.floatToBf16(x[from + k]);
                }
                shorts.put(to, bits, 0, numCols);
            } else {
                floats.put(to, x, from, numCols);
            }
        }
    }

    private void clear(int to) {
        for (int k = 0; k < numCols; k++) {
            if (bf16) {
                shorts.put(to + k, (short) 0);
            } else {
                floats.put(to + k, 0);
            }
        }
    }

    int numRows() {
        return numRows;
    }

    /** Whole chunks. */
    int numPadded() {
        return numPadded;
    }

    long address(int row) {
        return bytes.address() + (bf16 ? 2L : 4L) * row * numCols;
    }

    @Override
    public void close() {
        bytes.close();
    }
}
