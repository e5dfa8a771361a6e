package dev.quire.kernel.cuda;

import static dev.quire.kernel.cuda.CudaArena.address;

import dev.quire.kernel.AttentionKernels;
import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.AttentionParams;
import dev.quire.kernel.PagedKvCache;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** Chooses the attention kernels for a model's head width, and enqueues them for the step's decode and prefill rows. */
final class CudaAttention implements AttentionKernels, AutoCloseable {
    private final PlainAttention plain;
    private final StepInputs step;
    private final List<Integer> windows = new ArrayList<>();
    /** f32 [numHeads] of each set of parameters that has sinks. */
    private final Map<AttentionParams, DeviceMemory> sinks = new IdentityHashMap<>();

    CudaAttention(KernelFactory kernels, StepInputs step) {
        plain = new PlainAttention(kernels);
        this.step = step;
    }

    @Override
    public void announce(AttentionParams params) {
        if (!windows.contains(params.slidingWindow())) {
            windows.add(params.slidingWindow());
        }
    }

    /** How steps of the announced model are cut. */
    AttentionPlan plan(int maxNumTokens, int maxNumSeqs) {
        int[] all = windows.stream().mapToInt(Integer::intValue).toArray();
        return new AttentionPlan(maxNumTokens, maxNumSeqs, new AttentionPlan.Tiles(0, 64), all);
    }

    @Override
    public void attend(
            Tensor out, Tensor qkv, PagedKvCache cache, int layer, AttentionParams params, AttentionMetadata metadata) {
        CudaPagedKvCache pages = (CudaPagedKvCache) cache;
        DeviceMemory sink = sinks.get(params);
        long sinkAddress = sink == null ? 0 : sink.address();
        plain.run(address(out), out.rowStride(), address(qkv), qkv.rowStride(), pages, layer, params, sinkAddress, step);
    }

    @Override
    public void close() {
        sinks.values().forEach(DeviceMemory::close);
    }
}
