package dev.quire.kernel.cuda;

import dev.quire.kernel.AttentionParams;

/** {@code attention_decode.cu}: the sequences of a step that have one row, their keys split over the whole card. */
final class DecodeAttention implements AutoCloseable {
    /** Keys of one unit of work. */
    static final int TILE = 64;

    private static final int MIN_STAGES = 2;
    private static final int MAX_STAGES = 6;
    private static final int MAX_WARPS = 8;
    private static final int MIN_WARPS = 4;

    private final KernelLaunch kernel;
    private final int stages;
    private final int grid;
    private final DeviceMemory scratch;
    private final DeviceMemory counters;

    DecodeAttention(KernelFactory kernels, PageForm form, int headDim) {
        CudaDevice device = kernels.device();
        int warps = warps(device, form, headDim);
        int fitting = MAX_STAGES;
        while (fitting > MIN_STAGES && sharedBytes(form, headDim, warps, fitting) > device.maxSharedBytes()) {
            fitting--;
        }
        stages = fitting;
        kernel = kernels.kernel("paged_decode_" + form.kernelName() + "_d" + headDim, 32 * warps, 25)
                .sharedBytes(sharedBytes(form, headDim, warps, stages));
        grid = device.numMultiprocessors() * Math.max(1, kernel.blocksPerMultiprocessor());
        scratch = DeviceMemory.allocate("attention scratch", 4L * grid * 32 * (headDim + 2));
        counters = DeviceMemory.allocate("attention counters", 4L * grid);
        kernels.stream().fill(counters.address(), 0, counters.numBytes());
    }

    /** Whether a card's shared memory holds the smallest form of the kernel. */
    static boolean fits(CudaDevice device, PageForm form, int headDim) {
        return sharedBytes(form, headDim, MIN_WARPS, MIN_STAGES) <= device.maxSharedBytes();
    }

    private static int warps(CudaDevice device, PageForm form, int headDim) {
        return sharedBytes(form, headDim, MAX_WARPS, MIN_STAGES) <= device.maxSharedBytes() ? MAX_WARPS : MIN_WARPS;
    }

    private static int sharedBytes(PageForm form, int headDim, int warps, int stages) {
        int result = 64 * (headDim + 8);
        // A stage of bf16 is as large as a warp's result, which then lies in it.
        int perWarp = stages * 32 * form.pitch(headDim) + (form == PageForm.FP8 ? result : 0);
        return warps * perWarp + 32 * (headDim + 8) + warps * 132 + 16;
    }

    void run(AttentionCall call) {
        AttentionParams params = call.params();
        StepData data = call.data();
        AttentionPlan plan = data.plan();
        call.setCommon(kernel);
        kernel.set(11, data.decodeSeqs()).set(12, data.tileStart(plan.indexOf(params.slidingWindow())));
        kernel.set(13, plan.numDecodes()).set(14, scratch.address()).set(15, counters.address());
        kernel.set(16, params.numHeads()).set(17, params.numKvHeads()).set(18, call.scale());
        kernel.set(19, params.slidingWindow())
                .set(20, params.softCap())
                .set(21, call.sinks())
                .set(22, stages);
        // Every step begins with the copy of its inputs, which all its kernels come after.
        kernel.set(23, 1);
        call.setValueScale(kernel, 24);
        kernel.launch(grid);
    }

    @Override
    public void close() {
        scratch.close();
        counters.close();
    }
}
