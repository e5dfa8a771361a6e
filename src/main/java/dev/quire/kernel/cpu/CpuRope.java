package dev.quire.kernel.cpu;

import dev.quire.kernel.RopeKernels;
import dev.quire.kernel.RopeTable;
import dev.quire.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Rotary position embedding with the reference's roundings; rows spread over the pool. */
final class CpuRope implements RopeKernels {
    private final RowSpread spread;
    private final LoopChoice choice;
    private final WorkerPool.Task rows = this::rotateRows;

    // Arguments of the call under way.
    private RowLoops loops;
    private float[] x = {};
    private int[] positions = {};
    private @Nullable RopeCosSin table;
    private int firstOffset;
    private int stride;
    private int numHeads;
    private int headDim;

    CpuRope(WorkerPool pool, LoopChoice choice) {
        spread = new RowSpread(pool);
        this.choice = choice;
        loops = choice.current().rows();
    }

    @Override
    public Rope load(RopeTable table, int maxPositions) {
        return new RopeCosSin(table, maxPositions);
    }

    @Override
    public void rotate(Tensor x, int column, int numHeads, int headDim, Rope rope, int[] positions, int numRows) {
        loops = choice.current().rows();
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
            float[] cosines = table.cos(positions[i]);
            float[] sines = table.sin(positions[i]);
            int row = table.offset(positions[i]);
            for (int h = 0; h < numHeads; h++) {
                int at = firstOffset + i * stride + h * headDim;
                if (table.interleaved) {
                    rotateNeighbours(x, at, table.numPairs, cosines, sines, row);
                } else {
                    loops.rotateHalves(x, at, table.numPairs, cosines, sines, row);
                }
            }
        }
    }

    /** Pairs (x[at + 2i], x[at + 2i + 1]). */
    private static void rotateNeighbours(float[] x, int at, int numPairs, float[] cosines, float[] sines, int row) {
        for (int i = 0; i < numPairs; i++) {
            float a = x[at + 2 * i];
            float b = x[at + 2 * i + 1];
            x[at + 2 * i] = a * cosines[row + i] - b * sines[row + i];
            x[at + 2 * i + 1] = b * cosines[row + i] + a * sines[row + i];
        }
    }
}
