package dev.quire.kernel;

import dev.quire.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Root-mean-square normalisation (Zhang and Sennrich, 2019). */
public interface NormKernels {
    /**
     * out[i, j] = x[i, j] · rsqrt(meanⱼ(x[i, j]²) + epsilon) · weight[j], i in [0, numRows); sums in f32 or wider.
     *
     * @param out [≥ numRows, H]; may be x
     * @param weight f32 [H]; a model with 1 + w norms adds the 1 when it loads them
     */
    void rmsNorm(Tensor out, Tensor x, Tensor weight, float epsilon, int numRows);

    /**
     * residual += delta × deltaScale, then out = rmsNorm(residual).
     *
     * @param residual [≥ numRows, H], updated
     * @param delta [≥ numRows, H]; may be out
     * @param deltaScale Granite's residual multiplier; else 1
     */
    void addRmsNorm(
            Tensor out, Tensor residual, Tensor delta, float deltaScale, Tensor weight, float epsilon, int numRows);

    /**
     * residual += delta × deltaScale where there is a delta, then out = residual: for blocks that take their input as it is.
     *
     * @param residual [≥ numRows, H], updated
     * @param delta [≥ numRows, H], or null; may be out
     */
    void add(Tensor out, Tensor residual, @Nullable Tensor delta, float deltaScale, int numRows);

    /**
     * Normalises each head of a packed projection in place: numHeads runs of headDim from {@code column} in each row. Heads
     * may be as wide as the row: the norm of a whole projection, or of a block's output.
     *
     * @param headDim even
     * @param weight f32 [headDim]
     */
    void rmsNormHeads(Tensor x, int column, int numHeads, int headDim, Tensor weight, float epsilon, int numRows);
}
