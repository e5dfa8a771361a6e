package dev.quire.kernel.cpu;

import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.AttentionParams;
import dev.quire.tensor.Tensor;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * One attention call, cut into tiles (some rows of one sequence, all query heads of one KV head) and those, where there
 * are too few for the threads, into spans of {@link #SPAN} keys. Reused from call to call.
 */
final class AttentionPlan {
    /**
     * Keys that are summed by themselves before they join the total, from position 0 on, whether or not several threads
     * take part: so the order of summation depends on nothing but positions.
     */
    static final int SPAN = 256;

    /** Query rows times heads of a tile: enough reuse of a loaded key, few enough that all stays in the L2. */
    static final int TILE_ROWS = 32;

    private static final int TILES_PER_THREAD = 4;

    /** Splitting stops where partial results would need more floats than this. */
    private static final int MAX_PARTIALS = 1 << 24;

    // The call.
    float[] out;
    int outOffset;
    int outStride;
    float[] qkv;
    int qkvOffset;
    int qkvStride;
    CpuPagedKvCache cache;
    int layer;
    AttentionParams params;
    AttentionMetadata metadata;
    /** Query heads of one KV head. */
    int headsPerGroup;

    // Tiles: rows [tileRow, tileRow + tileNumRows) of the call.
    int numTiles;
    int[] tileSeq = {};
    int[] tileRow = {};
    int[] tileNumRows = {};
    int[] tileHead = {};

    // Split calls: unit u is span unitSpan[u] of tile unitTile[u]; its partial result starts at unitPartial[u].
    boolean split;
    int numUnits;
    int[] unitTile = {};
    int[] unitSpan = {};
    /** Where the partial results of a tile start in {@link #partials}, first span first. */
    int[] tilePartial = {};

    AtomicIntegerArray spansLeft = new AtomicIntegerArray(0);
    float[] partials = {};
    final AtomicInteger next = new AtomicInteger();

    void begin(
            Tensor out,
            Tensor qkv,
            CpuPagedKvCache cache,
            int layer,
            AttentionParams params,
            AttentionMetadata metadata,
            int numThreads) {
        this.out = out.floats();
        outOffset = Math.toIntExact(out.offset());
        outStride = out.rowStride();
        this.qkv = qkv.floats();
        qkvOffset = Math.toIntExact(qkv.offset());
        qkvStride = qkv.rowStride();
        this.cache = cache;
        this.layer = layer;
        this.params = params;
        this.metadata = metadata;
        headsPerGroup = params.numHeads() / params.numKvHeads();
        next.set(0);
        cutTiles();
        split = false;
        numUnits = numTiles;
        if (numThreads > 1 && numTiles < TILES_PER_THREAD * numThreads) {
            cutSpans();
        }
    }

    /** Position of a row's token. */
    int position(int seq, int row) {
        return metadata.seqLens[seq] - metadata.cuSeqlensQ[seq + 1] + row;
    }

    /** The first key that the token at {@code position} sees. */
    int firstKey(int position) {
        return params.slidingWindow() > 0 ? Math.max(0, position - params.slidingWindow() + 1) : 0;
    }

    int firstSpan(int tile) {
        return firstKey(position(tileSeq[tile], tileRow[tile])) / SPAN;
    }

    int lastSpan(int tile) {
        return position(tileSeq[tile], tileRow[tile] + tileNumRows[tile] - 1) / SPAN;
    }

    /** Floats of the partial result of one span: sums, maxima and denominators of each query row and head. */
    int partialFloats(int tile) {
        return tileNumRows[tile] * headsPerGroup * (cache.valueStride() + 2);
    }

    private void cutTiles() {
        numTiles = 0;
        int rowsPerTile = Math.max(1, TILE_ROWS / headsPerGroup);
        for (int seq = 0; seq < metadata.numSeqs; seq++) {
            int begin = metadata.cuSeqlensQ[seq];
            int end = metadata.cuSeqlensQ[seq + 1];
            // Last rows first: they have the most keys.
            for (int to = end; to > begin; to -= rowsPerTile) {
                int from = Math.max(begin, to - rowsPerTile);
                for (int head = 0; head < params.numKvHeads(); head++) {
                    addTile(seq, from, to - from, head);
                }
            }
        }
    }

    private void addTile(int seq, int row, int numRows, int head) {
        if (numTiles == tileSeq.length) {
            int length = Math.max(64, 2 * numTiles);
            tileSeq = Arrays.copyOf(tileSeq, length);
            tileRow = Arrays.copyOf(tileRow, length);
            tileNumRows = Arrays.copyOf(tileNumRows, length);
            tileHead = Arrays.copyOf(tileHead, length);
            tilePartial = Arrays.copyOf(tilePartial, length);
            spansLeft = new AtomicIntegerArray(length);
        }
        tileSeq[numTiles] = seq;
        tileRow[numTiles] = row;
        tileNumRows[numTiles] = numRows;
        tileHead[numTiles] = head;
        numTiles++;
    }

    private void cutSpans() {
        int units = 0;
        long floats = 0;
        for (int tile = 0; tile < numTiles; tile++) {
            int spans = lastSpan(tile) - firstSpan(tile) + 1;
            tilePartial[tile] = (int) floats;
            spansLeft.set(tile, spans);
            units += spans;
            floats += (long) spans * partialFloats(tile);
            if (floats > MAX_PARTIALS) {
                return;
            }
        }
        if (units == numTiles) {
            return;
        }
        if (partials.length < floats) {
            partials = new float[(int) Math.min(MAX_PARTIALS, 2 * floats)];
        }
        if (unitTile.length < units) {
            unitTile = new int[2 * units];
            unitSpan = new int[2 * units];
        }
        split = true;
        numUnits = 0;
        for (int tile = 0; tile < numTiles; tile++) {
            for (int span = firstSpan(tile); span <= lastSpan(tile); span++) {
                unitTile[numUnits] = tile;
                unitSpan[numUnits++] = span;
            }
        }
    }
}
