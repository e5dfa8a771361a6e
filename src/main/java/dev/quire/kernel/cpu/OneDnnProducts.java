package dev.quire.kernel.cpu;

import java.util.ArrayList;
import java.util.List;

/** Products by oneDNN on the threads of the pool: weights cut into blocks, primitives made once for each shape of block. */
final class OneDnnProducts implements LargeProducts {
    /** Outputs of a block are a multiple: oneDNN's widest tile, and whole panels. */
    private static final int BLOCK_STEP = 64;

    private static final int MAX_BLOCK_OUTPUTS = 256;
    private static final int BLOCKS_PER_THREAD = 4;

    private final WorkerPool pool;
    private final OneDnn library = OneDnn.open();
    private final OneDnnWorker[] workers;
    private final OneDnnRows rows;
    private final List<OneDnnShape> shapes = new ArrayList<>();
    private final List<OneDnnMatrix> matrices = new ArrayList<>();
    private boolean closed;

    OneDnnProducts(WorkerPool pool) {
        this.pool = pool;
        workers = new OneDnnWorker[pool.numThreads()];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new OneDnnWorker(library, i, MAX_BLOCK_OUTPUTS);
        }
        rows = new OneDnnRows(pool, workers, OneDnn.multipliesBf16());
    }

    @Override
    public boolean roundsActivations() {
        return OneDnn.multipliesBf16();
    }

    @Override
    public String description() {
        return OneDnn.description();
    }

    @Override
    public Matrix load(CpuLinear linear) {
        for (OneDnnWorker worker : workers) {
            worker.reserveBits(linear.inFeatures());
        }
        int perThread = linear.outFeatures() / (BLOCKS_PER_THREAD * pool.numThreads()) / BLOCK_STEP * BLOCK_STEP;
        int numOutputs = Math.max(BLOCK_STEP, Math.min(MAX_BLOCK_OUTPUTS, perThread));
        List<OneDnnMatrix.Block> blocks = new ArrayList<>();
        int output = 0;
        long offset = 0;
        for (PackedMatrix part : linear.parts) {
            for (int row = 0; row < part.rows; row += numOutputs) {
                OneDnnShape shape = shape(part.cols, Math.min(numOutputs, part.rows - row));
                int panel = row / PackedMatrix.PANEL_ROWS;
                blocks.add(new OneDnnMatrix.Block(shape, (HalfMatrix) part, panel, output + row, offset));
                offset += shape.weightBytes;
            }
            output += part.rows;
        }
        OneDnnMatrix matrix = new OneDnnMatrix(linear, pool, workers, rows, blocks);
        matrices.add(matrix);
        return matrix;
    }

    /** Made once; a model has a handful. */
    private OneDnnShape shape(int k, int n) {
        for (OneDnnShape shape : shapes) {
            if (shape.k == k && shape.n == n) {
                return shape;
            }
        }
        OneDnnShape shape = new OneDnnShape(library, k, n, workers);
        shapes.add(shape);
        return shape;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        matrices.forEach(OneDnnMatrix::close);
        rows.close();
        for (OneDnnWorker worker : workers) {
            worker.close();
        }
        library.close();
    }
}
