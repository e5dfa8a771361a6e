package dev.quire.kernel.cpu;

import dev.quire.kernel.NormKernels;
import dev.quire.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Plain RMS normalisation; squares are summed in double. */
final class ReferenceNorm implements NormKernels {
    @Override
    public void rmsNorm(Tensor out, Tensor x, Tensor weight, float epsilon, int numRows) {
        int hidden = weight.rowStride();
        for (int i = 0; i < numRows; i++) {
            int from = (int) x.offset() + i * x.rowStride();
            int to = (int) out.offset() + i * out.rowStride();
            normalise(out.floats(), to, x.floats(), from, hidden, weight, epsilon);
        }
    }

    @Override
    public void addRmsNorm(
            Tensor out, Tensor residual, Tensor delta, float deltaScale, Tensor weight, float epsilon, int numRows) {
        int hidden = weight.rowStride();
        for (int i = 0; i < numRows; i++) {
            int at = (int) residual.offset() + i * residual.rowStride();
            int from = (int) delta.offset() + i * delta.rowStride();
            for (int j = 0; j < hidden; j++) {
                residual.floats()[at + j] += delta.floats()[from + j] * deltaScale;
            }
            int to = (int) out.offset() + i * out.rowStride();
            normalise(out.floats(), to, residual.floats(), at, hidden, weight, epsilon);
        }
    }

    @Override
    public void add(Tensor out, Tensor residual, @Nullable Tensor delta, float deltaScale, int numRows) {
        int hidden = residual.rowStride();
        for (int i = 0; i < numRows; i++) {
            int at = (int) residual.offset() + i * hidden;
            for (int j = 0; j < hidden; j++) {
                if (delta != null) {
                    residual.floats()[at + j] +=
                            delta.floats()[(int) delta.offset() + i * delta.rowStride() + j] * deltaScale;
                }
                out.floats()[(int) out.offset() + i * out.rowStride() + j] = residual.floats()[at + j];
            }
        }
    }

    @Override
    public void rmsNormHeads(
            Tensor x, int column, int numHeads, int headDim, Tensor weight, float epsilon, int numRows) {
        for (int i = 0; i < numRows; i++) {
            for (int h = 0; h < numHeads; h++) {
                int at = (int) x.offset() + i * x.rowStride() + column + h * headDim;
                normalise(x.floats(), at, x.floats(), at, headDim, weight, epsilon);
            }
        }
    }

    private static void normalise(float[] out, int to, float[] x, int from, int length, Tensor weight, float epsilon) {
        double squares = 0;
        for (int j = 0; j < length; j++) {
            squares += (double) x[from + j] * x[from + j];
        }
        float factor = (float) (1 / Math.sqrt(squares / length + epsilon));
        for (int j = 0; j < length; j++) {
            out[to + j] = x[from + j] * factor * weight.floats()[(int) weight.offset() + j];
        }
    }
}
