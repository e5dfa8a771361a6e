package dev.quire.kernel.cuda;

import dev.quire.kernel.AttentionParams;

/** {@code attention_plain.cu}: any head width, one block a row and head. */
final class PlainAttention {
    private static final int MAX_HEAD_DIM = 512;

    private final KernelLaunch kernel;

    PlainAttention(KernelFactory kernels, PageForm form) {
        kernel = kernels.kernel("paged_attention_plain_" + form.kernelName(), 128, 20);
    }

    void run(AttentionCall call) {
        AttentionParams params = call.params();
        if (params.headDim() > MAX_HEAD_DIM) {
            throw new IllegalStateException("head width " + params.headDim() + ", at most " + MAX_HEAD_DIM);
        }
        call.setCommon(kernel);
        kernel.set(11, call.step().numSeqs());
        kernel.set(12, params.numHeads()).set(13, params.numKvHeads()).set(14, params.headDim());
        kernel.set(15, call.scale()).set(16, params.slidingWindow());
        kernel.set(17, params.softCap()).set(18, call.sinks());
        call.setValueScale(kernel, 19);
        kernel.launch(call.step().numRows(), params.numHeads());
    }
}
