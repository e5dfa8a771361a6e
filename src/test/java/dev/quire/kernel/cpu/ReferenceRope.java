package dev.quire.kernel.cpu;

import dev.quire.kernel.RopeKernels;
import dev.quire.kernel.RopeTable;
import dev.quire.tensor.Tensor;

/** Plain rotary position embedding. */
final class ReferenceRope implements RopeKernels {
    @Override
    public Rope load(RopeTable table, int maxPositions) {
        return new RopeCosSin(table, maxPositions);
    }

    @Override
    public void rotate(Tensor x, int column, int numHeads, int headDim, Rope rope, int[] positions, int numRows) {
        RopeCosSin table = (RopeCosSin) rope;
        table.prepare(positions, numRows);
        for (int i = 0; i < numRows; i++) {
            for (int h = 0; h < numHeads; h++) {
                rotateHead(
                        x.floats(), (int) x.offset() + i * x.rowStride() + column + h * headDim, table, positions[i]);
            }
        }
    }

    static void rotateHead(float[] x, int at, RopeCosSin table, int position) {
        float[] cosines = table.cos(position);
        float[] sines = table.sin(position);
        int row = table.offset(position);
        for (int i = 0; i < table.numPairs; i++) {
            int first = at + (table.interleaved ? 2 * i : i);
            int second = at + (table.interleaved ? 2 * i + 1 : i + table.numPairs);
            float cos = cosines[row + i];
            float sin = sines[row + i];
            float a = x[first];
            float b = x[second];
            x[first] = a * cos - b * sin;
            x[second] = b * cos + a * sin;
        }
    }
}
