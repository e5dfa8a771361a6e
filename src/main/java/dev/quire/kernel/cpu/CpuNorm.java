package dev.quire.kernel.cpu;

import dev.quire.kernel.NormKernels;
import dev.quire.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** RMS normalisation, rows spread over the pool; a row's sum has one order whatever the batch. */
final class CpuNorm implements NormKernels {
    private final RowSpread spread;
    private final LoopChoice choice;
    private final WorkerPool.Task plain = this::normRows;
    private final WorkerPool.Task adding = this::addNormRows;
    private final WorkerPool.Task heads = this::headRows;
    private final WorkerPool.Task copying = this::addCopyRows;

    // Arguments of the call under way.
    private RowLoops loops;
    private float[] out = {};
    private float[] x = {};
    private float[] delta = {};
    private float[] weight = {};
    private int outOffset;
    private int xOffset;
    private int deltaOffset;
    private int weightOffset;
    private int outStride;
    private int xStride;
    private int deltaStride;
    private int length;
    private int numHeads;
    private boolean hasDelta;
    private float deltaScale;
    private float epsilon;

    CpuNorm(WorkerPool pool, LoopChoice choice) {
        spread = new RowSpread(pool);
        this.choice = choice;
        loops = choice.current().rows();
    }

    @Override
    public void rmsNorm(Tensor out, Tensor x, Tensor weight, float epsilon, int numRows) {
        set(out, x, null, weight, epsilon);
        spread.run(numRows, length, plain);
    }

    @Override
    public void addRmsNorm(
            Tensor out, Tensor residual, Tensor delta, float deltaScale, Tensor weight, float epsilon, int numRows) {
        set(out, residual, delta, weight, epsilon);
        this.deltaScale = deltaScale;
        spread.run(numRows, 2 * length, adding);
    }

    @Override
    public void add(Tensor out, Tensor residual, @Nullable Tensor delta, float deltaScale, int numRows) {
        set(out, residual, delta, residual, 0);
        this.deltaScale = deltaScale;
        hasDelta = delta != null;
        spread.run(numRows, 2 * length, copying);
    }

    @Override
    public void rmsNormHeads(
            Tensor x, int column, int numHeads, int headDim, Tensor weight, float epsilon, int numRows) {
        set(x, x, null, weight, epsilon);
        this.numHeads = numHeads;
        length = headDim;
        xOffset += column;
        spread.run(numRows, numHeads * headDim, heads);
    }

    private void set(Tensor out, Tensor x, @Nullable Tensor delta, Tensor weight, float epsilon) {
        loops = choice.current().rows();
        this.out = out.floats();
        this.x = x.floats();
        this.weight = weight.floats();
        outOffset = (int) out.offset();
        xOffset = (int) x.offset();
        weightOffset = (int) weight.offset();
        outStride = out.rowStride();
        xStride = x.rowStride();
        length = weight.rowStride();
        this.epsilon = epsilon;
        if (delta != null) {
            this.delta = delta.floats();
            deltaOffset = (int) delta.offset();
            deltaStride = delta.rowStride();
        }
    }

    private void normRows(int task) {
        for (int i = spread.first(task); i < spread.first(task + 1); i++) {
            int from = xOffset + i * xStride;
            loops.scale(out, outOffset + i * outStride, x, from, weight, weightOffset, length, factor(x, from));
        }
    }

    private void addNormRows(int task) {
        for (int i = spread.first(task); i < spread.first(task + 1); i++) {
            int from = xOffset + i * xStride;
            loops.add(x, from, delta, deltaOffset + i * deltaStride, deltaScale, length);
            loops.scale(out, outOffset + i * outStride, x, from, weight, weightOffset, length, factor(x, from));
        }
    }

    private void addCopyRows(int task) {
        for (int i = spread.first(task); i < spread.first(task + 1); i++) {
            int from = xOffset + i * xStride;
            if (hasDelta) {
                loops.add(x, from, delta, deltaOffset + i * deltaStride, deltaScale, length);
            }
            System.arraycopy(x, from, out, outOffset + i * outStride, length);
        }
    }

    private void headRows(int task) {
        for (int i = spread.first(task); i < spread.first(task + 1); i++) {
            for (int h = 0; h < numHeads; h++) {
                int at = xOffset + i * xStride + h * length;
                loops.scale(x, at, x, at, weight, weightOffset, length, factor(x, at));
            }
        }
    }

    private float factor(float[] x, int from) {
        return (float) (1 / Math.sqrt((double) loops.sumOfSquares(x, from, length) / length + epsilon));
    }
}
