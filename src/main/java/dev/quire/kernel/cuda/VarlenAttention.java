package dev.quire.kernel.cuda;

import dev.quire.kernel.AttentionParams;

/**
 * {@code attention.cu}: prefill rows by tiles, and single rows with the query heads of a KV head together; the bits of a row's
 * result depend on its own keys only, whichever of the two computes it.
 */
final class VarlenAttention {
    private static final int BLOCK = 128;
    private static final int ROWS_OF_A_PACKED_TILE = 16;
    private static final int STAGES = 2;
    private static final int WIDE = 256;

    private final KernelLaunch tiles;
    private final KernelLaunch rows;

    VarlenAttention(KernelFactory kernels, PageForm form, int headDim) {
        String suffix = form.kernelName() + "_d" + headDim;
        tiles = kernels.kernel("paged_attention_" + suffix, BLOCK, 20)
                .sharedBytes(sharedBytes(form, headDim, tileRows(headDim)));
        rows = kernels.kernel("paged_attention_rows_" + suffix, BLOCK, 20)
                .sharedBytes(sharedBytes(form, headDim, ROWS_OF_A_PACKED_TILE));
    }

    /** Rows of a tile. */
    static int tileRows(int headDim) {
        return headDim == WIDE ? 64 : 128;
    }

    private static int sharedBytes(PageForm form, int headDim, int tileRows) {
        int keys = headDim == WIDE ? 32 : 64;
        return tileRows * 2 * (headDim + 8) + STAGES * 2 * keys * form.pitch(headDim);
    }

    /** Rows of sequences with several, by the plan's tiles. */
    void prefill(AttentionCall call) {
        set(tiles, call, call.data().items());
        tiles.launch(call.params().numHeads(), call.data().plan().numItems());
    }

    /** Sequences with one row. */
    void decode(AttentionCall call) {
        AttentionParams params = call.params();
        int group = params.numHeads() / params.numKvHeads();
        int perKvHead = (group + ROWS_OF_A_PACKED_TILE - 1) / ROWS_OF_A_PACKED_TILE;
        set(rows, call, call.data().rowItems());
        rows.launch(params.numKvHeads() * perKvHead, call.data().plan().numRowItems());
    }

    private static void set(KernelLaunch kernel, AttentionCall call, long items) {
        call.setCommon(kernel);
        AttentionParams params = call.params();
        kernel.set(11, items)
                .set(12, params.numHeads())
                .set(13, params.numKvHeads())
                .set(14, call.scale());
        kernel.set(15, params.slidingWindow())
                .set(16, params.softCap())
                .set(17, call.sinks())
                .set(18, STAGES);
        call.setValueScale(kernel, 19);
    }
}
