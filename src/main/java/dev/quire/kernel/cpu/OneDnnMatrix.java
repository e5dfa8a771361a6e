package dev.quire.kernel.cpu;

import dev.quire.tensor.Tensor;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A weight in oneDNN's layout, cut into blocks of outputs. A task takes a block and multiplies it with all rows, chunk by
 * chunk, into scratch of its own, and copies that to the output, bias added.
 */
final class OneDnnMatrix implements LargeProducts.Matrix {
    /** Outputs [output, output + shape.n) of a weight: rows of {@code part} from {@code panel}; bytes from offset. */
    record Block(OneDnnShape shape, HalfMatrix part, int panel, int output, long offset) {}

    private final CpuLinear linear;
    private final WorkerPool pool;
    private final OneDnnWorker[] workers;
    private final OneDnnRows rows;
    private final Block[] blocks;
    private final NativeBytes weights;
    private final AtomicInteger next = new AtomicInteger();
    private final WorkerPool.Task task = this::multiplyBlocks;

    // Arguments of the call under way.
    private float[] out = {};
    private int outOffset;
    private int outStride;

    OneDnnMatrix(CpuLinear linear, WorkerPool pool, OneDnnWorker[] workers, OneDnnRows rows, List<Block> blocks) {
        this.linear = linear;
        this.pool = pool;
        this.workers = workers;
        this.rows = rows;
        this.blocks = blocks.toArray(new Block[0]);
        Block last = this.blocks[this.blocks.length - 1];
        weights = new NativeBytes(last.offset + last.shape.weightBytes);
        try {
            next.set(0);
            pool.run(pool.numThreads(), this::loadBlocks);
        } catch (RuntimeException | Error e) {
            weights.close();
            throw e;
        }
    }

    /** oneDNN's own conversion to its layout is an unoptimized loop, a hundred times slower. */
    private void loadBlocks(int worker) {
        short[] bits = {};
        for (int b = next.getAndIncrement(); b < blocks.length; b = next.getAndIncrement()) {
            Block block = blocks[b];
            OneDnnShape shape = block.shape;
            int length = Math.toIntExact(shape.weightBytes / 2);
            if (bits.length == length) {
                Arrays.fill(bits, (short) 0);
            } else {
                bits = new short[length];
            }
            for (int row = 0; row < shape.n; row += PackedMatrix.PANEL_ROWS) {
                int panel = block.panel + row / PackedMatrix.PANEL_ROWS;
                block.part.copyBits(panel, bits, shape.kOffset, shape.nOffset, row);
            }
            weights.view(block.offset, shape.weightBytes).asShortBuffer().put(0, bits, 0, length);
        }
    }

    @Override
    public void multiply(Tensor out, Tensor x, int numRows) {
        rows.set(x, numRows, linear.inFeatures());
        this.out = out.floats();
        outOffset = (int) out.offset();
        outStride = out.rowStride();
        next.set(0);
        pool.run(pool.numThreads(), task);
    }

    private void multiplyBlocks(int w) {
        OneDnnWorker worker = workers[w];
        for (int b = next.getAndIncrement(); b < blocks.length; b = next.getAndIncrement()) {
            Block block = blocks[b];
            int row = 0;
            while (row < rows.numPadded()) {
                int chunk = OneDnnShape.chunkFor(rows.numPadded() - row);
                block.shape.multiply(
                        worker, chunk, rows.address(row), weights.address() + block.offset, worker.product());
                int end = row + OneDnnShape.chunkRows(chunk);
                store(block, row, Math.min(end, rows.numRows()), worker.productView());
                row = end;
            }
        }
    }

    /** @param product [endRow - firstRow, n] */
    private void store(Block block, int firstRow, int endRow, FloatBuffer product) {
        float[] bias = linear.bias;
        int n = block.shape.n;
        for (int row = firstRow; row < endRow; row++) {
            int to = outOffset + row * outStride + block.output;
            product.get((row - firstRow) * n, out, to, n);
            if (bias != null) {
                for (int j = 0; j < n; j++) {
                    out[to + j] += bias[block.output + j];
                }
            }
        }
    }

    /** Frees the weights. */
    void close() {
        weights.close();
    }
}
