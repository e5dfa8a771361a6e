package dev.quire.kernel.cpu;

import dev.quire.kernel.NormKernels;
import dev.quire.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/** RMS normalisation in the Vector API, rows spread over the pool; a row's sum has one order whatever the batch. */
final class CpuNorm implements NormKernels {
    private static final VectorSpecies<Float> F = Lanes.F;
    private static final int L = Lanes.COUNT;

    private final RowSpread spread;
    private final WorkerPool.Task plain = this::normRows;
    private final WorkerPool.Task adding = this::addNormRows;
    private final WorkerPool.Task heads = this::headRows;

    // Arguments of the call under way.
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
    private float deltaScale;
    private float epsilon;

    CpuNorm(WorkerPool pool) {
        spread = new RowSpread(pool);
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
    public void rmsNormHeads(
            Tensor x, int column, int numHeads, int headDim, Tensor weight, float epsilon, int numRows) {
        set(x, x, null, weight, epsilon);
        this.numHeads = numHeads;
        length = headDim;
        xOffset += column;
        spread.run(numRows, numHeads * headDim, heads);
    }

    private void set(Tensor out, Tensor x, @Nullable Tensor delta, Tensor weight, float epsilon) {
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
            scale(out, outOffset + i * outStride, x, from, weight, weightOffset, length, factor(x, from));
        }
    }

    private void addNormRows(int task) {
        for (int i = spread.first(task); i < spread.first(task + 1); i++) {
            int from = xOffset + i * xStride;
            add(x, from, delta, deltaOffset + i * deltaStride, deltaScale, length);
            scale(out, outOffset + i * outStride, x, from, weight, weightOffset, length, factor(x, from));
        }
    }

    private void headRows(int task) {
        for (int i = spread.first(task); i < spread.first(task + 1); i++) {
            for (int h = 0; h < numHeads; h++) {
                int at = xOffset + i * xStride + h * length;
                scale(x, at, x, at, weight, weightOffset, length, factor(x, at));
            }
        }
    }

    private float factor(float[] x, int from) {
        return (float) (1 / Math.sqrt((double) sumOfSquares(x, from, length) / length + epsilon));
    }

    private static float sumOfSquares(float[] x, int from, int length) {
        FloatVector sum0 = FloatVector.zero(F);
        FloatVector sum1 = FloatVector.zero(F);
        int j = 0;
        for (; j <= length - 2 * L; j += 2 * L) {
            FloatVector a = FloatVector.fromArray(F, x, from + j);
            FloatVector b = FloatVector.fromArray(F, x, from + j + L);
            sum0 = a.fma(a, sum0);
            sum1 = b.fma(b, sum1);
        }
        float sum = inOrder(sum0.add(sum1));
        for (; j < length; j++) {
            sum += x[from + j] * x[from + j];
        }
        return sum;
    }

    /**
     * The lanes' sum from first to last: {@code reduceLanes} leaves the order open, and interpreted and compiled code may
     * then differ in the last bit. Lane numbers are constants, as the compiler wants them.
     */
    private static float inOrder(FloatVector v) {
        float sum = v.lane(0) + v.lane(1);
        if (L > 2) {
            sum = sum + v.lane(2) + v.lane(3);
        }
        if (L > 4) {
            sum = sum + v.lane(4) + v.lane(5) + v.lane(6) + v.lane(7);
        }
        if (L > 8) {
            sum = sum + v.lane(8) + v.lane(9) + v.lane(10) + v.lane(11);
            sum = sum + v.lane(12) + v.lane(13) + v.lane(14) + v.lane(15);
        }
        return sum;
    }

    private static void add(float[] x, int to, float[] delta, int from, float deltaScale, int length) {
        int j = 0;
        for (; j <= length - L; j += L) {
            FloatVector d = FloatVector.fromArray(F, delta, from + j);
            FloatVector.fromArray(F, x, to + j).add(d.mul(deltaScale)).intoArray(x, to + j);
        }
        for (; j < length; j++) {
            x[to + j] += delta[from + j] * deltaScale;
        }
    }

    private static void scale(
            float[] out, int to, float[] x, int from, float[] weight, int weightOffset, int length, float factor) {
        int j = 0;
        for (; j <= length - L; j += L) {
            FloatVector w = FloatVector.fromArray(F, weight, weightOffset + j);
            FloatVector.fromArray(F, x, from + j).mul(factor).mul(w).intoArray(out, to + j);
        }
        for (; j < length; j++) {
            out[to + j] = x[from + j] * factor * weight[weightOffset + j];
        }
    }
}
