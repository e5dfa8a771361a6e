package dev.quire.kernel.cpu;

import dev.quire.kernel.DequantizedRows;
import dev.quire.kernel.EmbeddingTable;
import dev.quire.kernel.GemmKernels;
import dev.quire.kernel.Linear;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Plain matrix products: weights expanded to f32 rows in the layer's order, inputs rounded row by row, sums in double. */
final class ReferenceGemm implements GemmKernels {
    private final WorkerPool pool;

    ReferenceGemm(WorkerPool pool) {
        this.pool = pool;
    }

    /**
     * @param rows [outFeatures][inFeatures]
     * @param activations how each row's input is rounded
     */
    record Matrix(float[][] rows, List<ActivationScheme> activations, int inFeatures, float @Nullable [] bias)
            implements Linear {
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
        List<ActivationScheme> activations = new ArrayList<>();
        for (LinearWeight.Leaf leaf : weight.leaves()) {
            rows.addAll(List.of(rows(leaf)));
            ActivationScheme scheme =
                    leaf instanceof LinearWeight.Quantized quantized ? quantized.activations() : ActivationScheme.NONE;
            activations.addAll(Collections.nCopies(leaf.outFeatures(), scheme));
        }
        return new Matrix(
                rows.toArray(new float[0][]),
                activations,
                weight.inFeatures(),
                WeightPacker.bias(weight.outFeatures(), weight.leaves()));
    }

    static float[][] rows(LinearWeight weight) {
        if (weight instanceof LinearWeight.Dense dense) {
            return rows(dense.weight());
        }
        QuantizedMatrix matrix = ((LinearWeight.Quantized) weight).matrix();
        int[] order = matrix.columnOrder();
        DequantizedRows reader = new DequantizedRows(matrix, 0, weight.outFeatures());
        float[] values = new float[weight.inFeatures()];
        float[][] rows = new float[weight.outFeatures()][weight.inFeatures()];
        for (int row = 0; row < rows.length; row++) {
            reader.copyTo(row, values, 0);
            for (int k = 0; k < values.length; k++) {
                rows[row][order == null ? k : order[k]] = values[k];
            }
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
        return new Matrix(
                shared.rows(), Collections.nCopies(shared.vocabSize(), ActivationScheme.NONE), shared.hidden(), null);
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
        Map<ActivationScheme, float[][]> inputs = new HashMap<>();
        for (ActivationScheme scheme : new HashSet<>(matrix.activations)) {
            inputs.put(scheme, input(scheme, x, matrix.inFeatures, numRows));
        }
        int rowsPerTask = 16;
        pool.run((matrix.outFeatures() + rowsPerTask - 1) / rowsPerTask, task -> {
            int first = task * rowsPerTask;
            for (int j = first; j < Math.min(first + rowsPerTask, matrix.outFeatures()); j++) {
                column(out, inputs.get(matrix.activations.get(j)), matrix, j, numRows);
            }
        });
    }

    private static float[][] input(ActivationScheme scheme, Tensor x, int cols, int numRows) {
        float[][] rows = new float[numRows][];
        for (int i = 0; i < numRows; i++) {
            int from = (int) x.offset() + i * x.rowStride();
            rows[i] = ReferenceRounding.round(scheme, Arrays.copyOfRange(x.floats(), from, from + cols));
        }
        return rows;
    }

    private static void column(Tensor out, float[][] x, Matrix matrix, int j, int numRows) {
        float[] w = matrix.rows[j];
        for (int i = 0; i < numRows; i++) {
            double sum = 0;
            for (int k = 0; k < w.length; k++) {
                sum += (double) x[i][k] * w[k];
            }
            float bias = matrix.bias == null ? 0 : matrix.bias[j];
            out.floats()[(int) out.offset() + i * out.rowStride() + j] = (float) sum + bias;
        }
    }
}
