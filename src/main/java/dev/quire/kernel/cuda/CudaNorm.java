package dev.quire.kernel.cuda;

import static dev.quire.kernel.cuda.CudaArena.address;

import dev.quire.kernel.NormKernels;
import dev.quire.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@code norm.cu}: the residual stream is f32, what is normalised from it bf16. */
final class CudaNorm implements NormKernels {
    private static final int HEADS_PER_BLOCK = 4;
    /** What the lanes of a warp hold in registers. */
    private static final int MAX_HEAD_DIM = 512;

    private static final int ADD_BLOCK = 256;
    private static final int MAX_ADD_BLOCKS = 2048;

    private final KernelLaunch norm;
    private final KernelLaunch addNorm;
    private final KernelLaunch normHeads;
    private final KernelLaunch normWide;
    private final KernelLaunch add;

    CudaNorm(KernelFactory kernels) {
        norm = kernels.kernel("rms_norm_bf16", 1, 5);
        addNorm = kernels.kernel("add_rms_norm_bf16", 1, 7);
        normHeads = kernels.kernel("rms_norm_heads_bf16", 128, 8);
        normWide = kernels.kernel("rms_norm_wide_bf16", 1, 7);
        add = kernels.kernel("add_bf16", ADD_BLOCK, 5);
    }

    private static int block(int hidden) {
        int threads = ((hidden + 7) / 8 + 31) / 32 * 32;
        return Math.max(64, Math.min(1024, threads));
    }

    @Override
    public void rmsNorm(Tensor out, Tensor x, Tensor weight, float epsilon, int numRows) {
        int hidden = x.rowStride();
        norm.set(0, address(out)).set(1, address(x)).set(2, address(weight)).set(3, epsilon);
        norm.set(4, hidden).block(block(hidden)).launch(numRows);
    }

    @Override
    public void addRmsNorm(
            Tensor out, Tensor residual, Tensor delta, float deltaScale, Tensor weight, float epsilon, int numRows) {
        int hidden = residual.rowStride();
        addNorm.set(0, address(out)).set(1, address(residual)).set(2, address(delta));
        addNorm.set(3, deltaScale).set(4, address(weight)).set(5, epsilon);
        addNorm.set(6, hidden).block(block(hidden)).launch(numRows);
    }

    @Override
    public void add(Tensor out, Tensor residual, @Nullable Tensor delta, float deltaScale, int numRows) {
        long count = (long) numRows * residual.rowStride();
        add.set(0, address(out)).set(1, address(residual)).set(2, delta == null ? 0 : address(delta));
        add.set(3, deltaScale).set(4, count);
        add.launch((int) Math.min(MAX_ADD_BLOCKS, count / (8 * ADD_BLOCK) + 1));
    }

    @Override
    public void rmsNormHeads(
            Tensor x, int column, int numHeads, int headDim, Tensor weight, float epsilon, int numRows) {
        if (headDim > MAX_HEAD_DIM) {
            normWide.set(0, address(x)).set(1, column).set(2, numHeads).set(3, headDim);
            normWide.set(4, x.rowStride()).set(5, address(weight)).set(6, epsilon);
            normWide.block(block(headDim)).launch(numRows * numHeads);
            return;
        }
        normHeads.set(0, address(x)).set(1, column).set(2, numHeads).set(3, headDim);
        normHeads.set(4, x.rowStride()).set(5, address(weight)).set(6, epsilon).set(7, numRows);
        normHeads.launch((int) (((long) numRows * numHeads + HEADS_PER_BLOCK - 1) / HEADS_PER_BLOCK));
    }
}
