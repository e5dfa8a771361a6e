package dev.quire.kernel.cuda;

import dev.quire.kernel.AttentionParams;

/** {@code attention_decode.cu}: the sequences of a step that have one row, their keys split over the whole card. */
final class DecodeAttention implements AutoCloseable {
    /** Keys of one unit of work. */
    static final int TILE = 64;

    private static final int BLOCK = 256;
    private static final int WARPS = BLOCK / 32;
    private static final int MAX_STAGES = 6;
    private static final int SHARED_BYTES = 227 << 10;
    private static final int MAX_SHARED_BYTES_SMALL = 99 << 10;

    private final KernelLaunch kernel;
    private final int stages;
    private final int grid;
    private final DeviceMemory scratch;
    private final DeviceMemory counters;

    /** @param blocksPerMultiprocessor what the kernel was compiled for */
    DecodeAttention(KernelFactory kernels, int headDim, int blocksPerMultiprocessor) {
        kernel = kernels.kernel("paged_decode_bf16_d" + headDim, BLOCK, 24);
        int available = kernels.device().isHopper() ? SHARED_BYTES : MAX_SHARED_BYTES_SMALL;
        stages = stages(headDim, available / blocksPerMultiprocessor - 1024);
        kernel.sharedBytes(sharedBytes(headDim, stages));
        grid = kernels.device().numMultiprocessors() * Math.max(1, kernel.blocksPerMultiprocessor());
        scratch = DeviceMemory.allocate("attention scratch", 4L * grid * 32 * (headDim + 2));
        counters = DeviceMemory.allocate("attention counters", 4L * grid);
        kernels.stream().fill(counters.address(), 0, counters.numBytes());
    }

    private static int stages(int headDim, int available) {
        int stages = MAX_STAGES;
        while (stages > 2 && sharedBytes(headDim, stages) > available) {
            stages--;
        }
        return stages;
    }

    private static int sharedBytes(int headDim, int stages) {
        return WARPS * stages * 64 * (headDim + 8) + 32 * (headDim + 8) + WARPS * 132 + 16;
    }

    void run(AttentionCall call) {
        AttentionParams params = call.params();
        StepData data = call.data();
        AttentionPlan plan = data.plan();
        call.setCommon(kernel);
        kernel.set(11, data.decodeSeqs()).set(12, data.tileStart(plan.indexOf(params.slidingWindow())));
        kernel.set(13, plan.numDecodes()).set(14, scratch.address()).set(15, counters.address());
        kernel.set(16, params.numHeads()).set(17, params.numKvHeads()).set(18, params.scale());
        kernel.set(19, params.slidingWindow())
                .set(20, params.softCap())
                .set(21, call.sinks())
                .set(22, stages);
        // Every step begins with the copy of its inputs, which all its kernels come after.
        kernel.set(23, 1);
        kernel.launch(grid);
    }

    @Override
    public void close() {
        scratch.close();
        counters.close();
    }
}
