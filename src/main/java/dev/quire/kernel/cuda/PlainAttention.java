package dev.quire.kernel.cuda;

import dev.quire.kernel.AttentionParams;

/** {@code attention_plain.cu}: any head width, one block a row and head. */
final class PlainAttention {
    private static final int MAX_HEAD_DIM = 512;

    private final KernelLaunch kernel;

    PlainAttention(KernelFactory kernels) {
        kernel = kernels.kernel("paged_attention_plain_bf16", 128, 19);
    }

    void run(
            long out,
            int outStride,
            long q,
            int qStride,
            CudaPagedKvCache pages,
            int layer,
            AttentionParams params,
            long sinks,
            StepInputs step) {
        if (params.headDim() > MAX_HEAD_DIM) {
            throw new IllegalStateException("head width " + params.headDim() + ", at most " + MAX_HEAD_DIM);
        }
        StepData data = step.data();
        kernel.set(0, out).set(1, outStride).set(2, q).set(3, qStride);
        kernel.set(4, pages.keys(layer)).set(5, pages.values(layer)).set(6, pages.blockSize());
        kernel.set(7, data.cuSeqlensQ()).set(8, data.seqLens());
        kernel.set(9, data.blockTableStart()).set(10, data.blockTables()).set(11, step.numSeqs());
        kernel.set(12, params.numHeads()).set(13, params.numKvHeads()).set(14, params.headDim());
        kernel.set(15, params.scale()).set(16, params.slidingWindow()).set(17, params.softCap()).set(18, sinks);
        kernel.launch(step.numRows(), params.numHeads());
    }
}
