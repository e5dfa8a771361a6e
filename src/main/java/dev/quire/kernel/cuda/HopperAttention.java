package dev.quire.kernel.cuda;

import dev.quire.kernel.AttentionParams;
import org.bytedeco.cuda.cudart.CUtensorMap;

/** {@code attention_sm90.cu}: prefill rows on Hopper, by its warpgroup products and its copy engine. */
final class HopperAttention implements AutoCloseable {
    private static final int MAP_COLUMNS = 64;
    private static final int HEADS_PER_TILE = 1;
    private static final int COUNTER_BYTES = 8;

    /** Rows of a tile, threads and shared bytes of one compiled form. */
    private record Form(String name, int tileRows, int block, int sharedBytes) {}

    private static final Form NARROW = new Form("sm90_prefill_bf16_d64", 192, 512, 124160);
    private static final Form MIDDLE = new Form("sm90_prefill_bf16_d128", 128, 384, 165120);
    private static final Form WIDE = new Form("sm90_prefill_bf16_d256", 128, 384, 197888);

    /** What a map of queries depends on. */
    private record Queries(long address, int stride, int rows, int numHeads) {}

    private final Form form;
    private final KernelLaunch kernel;
    private final int numMultiprocessors;
    private final DeviceMemory counter;
    private Queries lastQueries = new Queries(0, 0, 0, 0);
    private CUtensorMap lastMap = new CUtensorMap();

    HopperAttention(KernelFactory kernels, int headDim) {
        form = form(headDim);
        kernel = kernels.kernel(form.name, form.block, 21).sharedBytes(form.sharedBytes);
        numMultiprocessors = kernels.device().numMultiprocessors();
        counter = DeviceMemory.allocate("attention counter", COUNTER_BYTES);
        kernels.stream().fill(counter.address(), 0, COUNTER_BYTES);
    }

    private static Form form(int headDim) {
        return headDim == 64 ? NARROW : headDim <= 128 ? MIDDLE : WIDE;
    }

    /** Rows of a tile. */
    static int tileRows(int headDim) {
        return form(headDim).tileRows / HEADS_PER_TILE;
    }

    void prefill(AttentionCall call) {
        AttentionParams params = call.params();
        StepData data = call.data();
        int numItems = data.plan().numItems();
        kernel.set(0, call.out()).set(1, call.outStride());
        kernel.setAddressOf(2, queries(call));
        kernel.setAddressOf(3, call.pages().keyMap(call.layer()));
        kernel.setAddressOf(4, call.pages().valueMap(call.layer()));
        kernel.set(5, params.headDim()).set(6, call.pages().blockSize());
        kernel.set(7, data.cuSeqlensQ()).set(8, data.seqLens());
        kernel.set(9, data.blockTableStart()).set(10, data.blockTables());
        kernel.set(11, data.items()).set(12, numItems);
        kernel.set(13, params.numHeads()).set(14, params.numKvHeads()).set(15, HEADS_PER_TILE);
        kernel.set(16, params.scale()).set(17, params.slidingWindow()).set(18, params.softCap());
        kernel.set(19, call.sinks()).set(20, counter.address());
        kernel.launch(Math.min(numMultiprocessors, numItems * (params.numHeads() / HEADS_PER_TILE)));
    }

    /** The layers of a model share one buffer, so this is nearly always the map of the call before. */
    private CUtensorMap queries(AttentionCall call) {
        Queries last = lastQueries;
        int numHeads = call.params().numHeads();
        boolean same = last.address == call.q()
                && last.stride == call.qStride()
                && last.rows == call.qRows()
                && last.numHeads == numHeads;
        if (!same) {
            lastQueries = new Queries(call.q(), call.qStride(), call.qRows(), numHeads);
            lastMap = map(lastQueries, call.params().headDim());
        }
        return lastMap;
    }

    private CUtensorMap map(Queries q, int headDim) {
        return TensorMaps.bf16(
                q.address,
                new long[] {headDim, q.numHeads, q.rows},
                new long[] {2L * headDim, 2L * q.stride},
                new int[] {MAP_COLUMNS, HEADS_PER_TILE, form.tileRows / HEADS_PER_TILE});
    }

    @Override
    public void close() {
        counter.close();
    }
}
