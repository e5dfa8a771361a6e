package dev.quire.kernel.cpu;

import dev.quire.kernel.RopeKernels;
import dev.quire.kernel.RopeTable;
import dev.quire.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/** Rotary position embedding in the Vector API, with the reference's roundings; rows spread over the pool. */
final class CpuRope implements RopeKernels {
    private static final VectorSpecies<Float> F = Lanes.F;
    private static final int L = Lanes.COUNT;

    private final RowSpread spread;
    private final WorkerPool.Task rows = this::rotateRows;

    // Arguments of the call under way.
    private float[] x = {};
    private int[] positions = {};
    private @Nullable RopeCosSin table;
    private int firstOffset;
    private int stride;
    private int numHeads;
    private int headDim;

    CpuRope(WorkerPool pool) {
        spread = new RowSpread(pool);
    }

    @Override
    public Rope load(RopeTable table, int maxPositions) {
        return new RopeCosSin(table, maxPositions);
    }

    @Override
    public void rotate(Tensor x, int column, int numHeads, int headDim, Rope rope, int[] positions, int numRows) {
        this.x = x.floats();
        this.positions = positions;
        table = (RopeCosSin) rope;
        table.prepare(positions, numRows);
        firstOffset = (int) x.offset() + column;
        stride = x.rowStride();
        this.numHeads = numHeads;
        this.headDim = headDim;
        spread.run(numRows, numHeads * headDim, rows);
    }

    private void rotateRows(int task) {
        RopeCosSin table = this.table;
        for (int i = spread.first(task); i < spread.first(task + 1); i++) {
            int at = firstOffset + i * stride;
            int position = positions[i];
            for (int h = 0; h < numHeads; h++) {
                if (table.interleaved) {
                    ReferenceRope.rotateHead(x, at + h * headDim, table, position);
                } else {
                    rotateHalves(x, at + h * headDim, table, position);
                }
            }
        }
    }

    private static void rotateHalves(float[] x, int at, RopeCosSin table, int position) {
        float[] cosines = table.cos(position);
        float[] sines = table.sin(position);
        int row = table.offset(position);
        int half = table.numPairs;
        int i = 0;
        for (; i <= half - L; i += L) {
            FloatVector cos = FloatVector.fromArray(F, cosines, row + i);
            FloatVector sin = FloatVector.fromArray(F, sines, row + i);
            FloatVector a = FloatVector.fromArray(F, x, at + i);
            FloatVector b = FloatVector.fromArray(F, x, at + half + i);
            a.mul(cos).sub(b.mul(sin)).intoArray(x, at + i);
            b.mul(cos).add(a.mul(sin)).intoArray(x, at + half + i);
        }
        for (; i < half; i++) {
            float a = x[at + i];
            float b = x[at + half + i];
            x[at + i] = a * cosines[row + i] - b * sines[row + i];
            x[at + half + i] = b * cosines[row + i] + a * sines[row + i];
        }
    }
}
