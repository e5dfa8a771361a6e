package dev.quire.kernel.cpu;

import dev.quire.kernel.ActivationKernels.Gate;
import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.AttentionParams;
import dev.quire.kernel.PagedKvCache;
import dev.quire.kernel.RopeKernels.Rope;
import dev.quire.kernel.RopeTable;
import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;
import dev.quire.tensor.DType;
import dev.quire.tensor.Shape;
import dev.quire.tensor.Storage;
import dev.quire.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/** Every kernel once on tiny operands, in the shapes that steps have: some rows of a prompt, and single rows. */
final class LoopExercise {
    private static final int[] BATCHES = {1, 2, 3, 4, 5, 8};
    private static final int MAX_ROWS = 8;
    private static final int WIDTH = 256;
    private static final int VOCABULARY = 1024;
    private static final int HEAD_DIM = 32;
    private static final int BLOCK_SIZE = 16;
    private static final int NUM_BLOCKS = 2;
    /** Two query heads, one of K, one of V. */
    private static final int HEADS = 4;

    private static final AttentionParams ATTENTION = new AttentionParams(2, 1, HEAD_DIM, 0.2f, 0, 0, null);

    private final List<CpuLinear> linears;
    private final CpuGemm gemm;
    private final CpuNorm norm;
    private final CpuRope rope;
    private final CpuActivation activation;
    private final CpuKvCache kvCache;
    private final CpuAttention attention;
    private final CpuSampling sampling;

    private final Tensor x = tensor(MAX_ROWS, WIDTH);
    private final Tensor y = tensor(MAX_ROWS, WIDTH);
    private final Tensor weight = tensor(1, WIDTH);
    private final Tensor logits = tensor(2, VOCABULARY);
    private final Rope angles;
    private final PagedKvCache cache;
    private final AttentionMetadata prompt = new AttentionMetadata(2, MAX_ROWS, NUM_BLOCKS, BLOCK_SIZE);
    private final AttentionMetadata decode = new AttentionMetadata(2, MAX_ROWS, NUM_BLOCKS, BLOCK_SIZE);
    private final SamplingBatch batch = new SamplingBatch(2);
    private final SampledTokens sampled = new SampledTokens(2);

    /**
     * @param pool of one thread: the caller's
     * @param linears one of each kind of weights
     */
    LoopExercise(WorkerPool pool, LoopChoice loops, List<CpuLinear> linears) {
        this.linears = linears;
        gemm = new CpuGemm(pool, loops, new WeightPacker(pool, new HeapBudget(), 0));
        norm = new CpuNorm(pool, loops);
        rope = new CpuRope(pool, loops);
        activation = new CpuActivation(pool, loops);
        kvCache = new CpuKvCache(pool);
        attention = new CpuAttention(pool, loops);
        sampling = new CpuSampling(pool, loops);
        angles = rope.load(new RopeTable(new float[HEAD_DIM / 2], 1, false), BLOCK_SIZE * NUM_BLOCKS);
        cache = kvCache.allocate(1, 2 * NUM_BLOCKS, BLOCK_SIZE, 1, HEAD_DIM, DType.F32);
        prompt.clear();
        prompt.add(0, MAX_ROWS - 1, new int[] {0, 1}, NUM_BLOCKS);
        decode.clear();
        decode.add(20, 1, new int[] {0, 1}, NUM_BLOCKS);
        decode.add(9, 1, new int[] {2, 3}, NUM_BLOCKS);
        batch.numRows = 2;
        batch.temperature[1] = 0.7f;
        Arrays.fill(batch.topP, 1);
        batch.topP[1] = 0.9f;
        Arrays.fill(batch.repetitionPenalty, 1);
        Arrays.fill(batch.numLogprobs, -1);
    }

    private static Tensor tensor(int rows, int cols) {
        float[] values = new float[rows * cols];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) Math.sin(i);
        }
        return new Tensor(DType.F32, Shape.of(rows, cols), new Storage.Floats(values));
    }

    void run() {
        for (CpuLinear linear : linears) {
            for (int numRows : BATCHES) {
                gemm.matmul(y, x, linear, numRows);
            }
        }
        norm.rmsNorm(y, x, weight, 1e-5f, MAX_ROWS);
        norm.addRmsNorm(y, x, y, 0.5f, weight, 1e-5f, MAX_ROWS);
        activation.gatedMultiply(y, x, Gate.SILU, WIDTH / 2, MAX_ROWS);
        attend(prompt);
        attend(decode);
        sampling.sample(logits, VOCABULARY, batch, sampled);
        // Additions to x would grow without bound.
        System.arraycopy(logits.floats(), 0, x.floats(), 0, WIDTH);
    }

    private void attend(AttentionMetadata metadata) {
        rope.rotate(x, 0, HEADS - 1, HEAD_DIM, angles, metadata.positions, metadata.numTokens);
        kvCache.write(cache, 0, x, 2 * HEAD_DIM, 3 * HEAD_DIM, metadata);
        attention.attend(y, x, cache, 0, ATTENTION, metadata);
    }
}
