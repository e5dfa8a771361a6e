package dev.quire.kernel.cpu;

import dev.quire.kernel.DequantizedRows;
import dev.quire.kernel.EmbeddingTable;
import dev.quire.kernel.GemmKernels;
import dev.quire.kernel.Linear;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Plain matrix products: weights expanded to f32 rows, sums in double. */
final class ReferenceGemm implements GemmKernels {
    private final WorkerPool pool;

    ReferenceGemm(WorkerPool pool) {
        this.pool = pool;
    }

    /** @param rows [outFeatures][inFeatures] */
    record Matrix(float[][] rows, int inFeatures, float @Nullable [] bias) implements Linear {
        @Override
        public int outFeatures() {
            return rows.length;
        }

        @Override
        public long weightBytes() {
            return 4L * rows.length * inFeatures;
        }
    }

    @Override
    public Linear load(LinearWeight weight) {
        List<float[]> rows = new ArrayList<>();
        weight.leaves().forEach(leaf -> rows.addAll(List.of(rows(leaf))));
        return new Matrix(
                rows.toArray(new float[0][]),
                weight.inFeatures(),
                WeightPacker.bias(weight.outFeatures(), weight.leaves()));
    }

    static float[][] rows(LinearWeight weight) {
        if (weight instanceof LinearWeight.Dense dense) {
            return rows(dense.weight());
        }
        DequantizedRows reader =
                new DequantizedRows(((LinearWeight.Quantized) weight).matrix(), 0, weight.outFeatures());
        float[][] rows = new float[weight.outFeatures()][weight.inFeatures()];
        for (int row = 0; row < rows.length; row++) {
            reader.copyTo(row, rows[row], 0);
        }
        return rows;
    }

    static float[][] rows(HostTensor matrix) {
        int cols = matrix.shape().intDim(1);
        float[][] rows = new float[matrix.shape().intDim(0)][cols];
        for (int row = 0; row < rows.length; row++) {
            matrix.copyTo((long) row * cols, rows[row], 0, cols);
        }
        return rows;
    }

    @Override
    public Linear tied(EmbeddingTable table) {
        ReferenceEmbedding.Table shared = (ReferenceEmbedding.Table) table;
        return new Matrix(shared.rows(), shared.hidden(), null);
    }

    @Override
    public long residentBytes(LinearWeight weight) {
        return 4L * weight.outFeatures() * weight.inFeatures();
    }

    @Override
    public long scratchBytes(int maxRows, int maxInFeatures, int maxOutFeatures) {
        return 0;
    }

    @Override
    public void matmul(Tensor out, Tensor x, Linear weight, int numRows) {
        Matrix matrix = (Matrix) weight;
        int rowsPerTask = 16;
        pool.run((matrix.outFeatures() + rowsPerTask - 1) / rowsPerTask, task -> {
            int first = task * rowsPerTask;
            for (int j = first; j < Math.min(first + rowsPerTask, matrix.outFeatures()); j++) {
                column(out, x, matrix, j, numRows);
            }
        });
    }

    private static void column(Tensor out, Tensor x, Matrix matrix, int j, int numRows) {
        float[] w = matrix.rows[j];
        float[] values = x.floats();
        for (int i = 0; i < numRows; i++) {
            int from = (int) x.offset() + i * x.rowStride();
            double sum = 0;
            for (int k = 0; k < w.length; k++) {
                sum += (double) values[from + k] * w[k];
            }
            float bias = matrix.bias == null ? 0 : matrix.bias[j];
            out.floats()[(int) out.offset() + i * out.rowStride() + j] = (float) sum + bias;
        }
    }
}
