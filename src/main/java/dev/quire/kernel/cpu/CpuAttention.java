package dev.quire.kernel.cpu;

import dev.quire.kernel.AttentionKernels;
import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.AttentionParams;
import dev.quire.kernel.PagedKvCache;
import dev.quire.tensor.Tensor;

/** Attention on the CPU. */
public final class CpuAttention implements AttentionKernels {
    private final AttentionKernels kernels;

    public CpuAttention(WorkerPool pool) {
        kernels = new ReferenceAttention(pool);
    }

    @Override
    public void attend(
            Tensor out, Tensor qkv, PagedKvCache cache, int layer, AttentionParams params, AttentionMetadata metadata) {
        kernels.attend(out, qkv, cache, layer, params, metadata);
    }
}
