package dev.quire.kernel.cpu;

import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.KvCacheKernels;
import dev.quire.kernel.KvScales;
import dev.quire.kernel.PagedKvCache;
import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.Tensor;

/** Writes K and V into a {@link CpuPagedKvCache}: F32, or rounded to the nearest BF16, or scaled and rounded to FP8 E4M3. */
public final class CpuKvCache implements KvCacheKernels {
    /** Rows of one task: enough that neighbouring keys of a group are written while their lines are in the L1. */
    private static final int ROWS_PER_TASK = 64;

    private final WorkerPool pool;
    private final HeapBudget budget = new HeapBudget();
    private final WorkerPool.Task task = this::writeRows;

    // The call in progress; the engine thread is the only caller.
    private CpuPagedKvCache cache;
    private int layer;
    private float[] qkv;
    private int base;
    private int stride;
    private int keyColumn;
    private int valueColumn;
    private AttentionMetadata metadata;

    public CpuKvCache(WorkerPool pool) {
        this.pool = pool;
    }

    @Override
    public DType[] supportedTypes() {
        return new DType[] {DType.F32, DType.BF16, DType.F8_E4M3};
    }

    @Override
    public long blockBytes(int numLayers, int numKvHeads, int headDim, int blockSize, DType type) {
        long elements = (long) numKvHeads * blockSize * (headDim + CpuPagedKvCache.valueStride(headDim));
        return elements * numLayers * type.sizeBytes();
    }

    @Override
    public PagedKvCache allocate(
            int numBlocks, int blockSize, int numKvHeads, int headDim, DType type, KvScales scales) {
        if (type != DType.F32 && type != DType.BF16 && type != DType.F8_E4M3) {
            throw new IllegalArgumentException("no " + type + " KV cache on the CPU, only F32, BF16 and F8_E4M3");
        }
        int numLayers = scales.numLayers();
        budget.require("KV cache", numBlocks * blockBytes(numLayers, numKvHeads, headDim, blockSize, type));
        return new CpuPagedKvCache(numBlocks, blockSize, numKvHeads, headDim, type, scales);
    }

    @Override
    public void write(
            PagedKvCache cache, int layer, Tensor qkv, int keyColumn, int valueColumn, AttentionMetadata metadata) {
        this.cache = (CpuPagedKvCache) cache;
        this.layer = layer;
        this.qkv = qkv.floats();
        this.base = Math.toIntExact(qkv.offset());
        this.stride = qkv.rowStride();
        this.keyColumn = keyColumn;
        this.valueColumn = valueColumn;
        this.metadata = metadata;
        for (int row = 0; row < metadata.numTokens; row++) {
            this.cache.prepare(metadata.slotMapping[row] / cache.blockSize());
        }
        pool.run((metadata.numTokens + ROWS_PER_TASK - 1) / ROWS_PER_TASK, task);
    }

    private void writeRows(int part) {
        int from = part * ROWS_PER_TASK;
        int to = Math.min(from + ROWS_PER_TASK, metadata.numTokens);
        for (int head = 0; head < cache.numKvHeads(); head++) {
            for (int row = from; row < to; row++) {
                int slot = metadata.slotMapping[row];
                switch (cache.type()) {
                    case F32 -> writeFloats(row, slot, head);
                    case BF16 -> writeShorts(row, slot, head);
                    default -> writeBytes(row, slot, head);
                }
            }
        }
    }

    private void writeFloats(int row, int slot, int head) {
        int headDim = cache.headDim();
        int block = slot / cache.blockSize();
        int inBlock = slot % cache.blockSize();
        int chunk = cache.chunk(block);
        int source = base + row * stride + head * headDim;
        float[] keys = cache.floatKeys(layer, chunk);
        int width = cache.groupWidth();
        int at = cache.keyOffset(block, head, inBlock);
        for (int d = 0; d < headDim; d++) {
            keys[at + d * width] = qkv[source + keyColumn + d];
        }
        System.arraycopy(
                qkv,
                source + valueColumn,
                cache.floatValues(layer, chunk),
                cache.valueOffset(block, head, inBlock),
                headDim);
    }

    private void writeShorts(int row, int slot, int head) {
        int headDim = cache.headDim();
        int block = slot / cache.blockSize();
        int inBlock = slot % cache.blockSize();
        int chunk = cache.chunk(block);
        int source = base + row * stride + head * headDim;
        short[] keys = cache.shortKeys(layer, chunk);
        int width = cache.groupWidth();
        int at = cache.keyOffset(block, head, inBlock);
        for (int d = 0; d < headDim; d++) {
            keys[at + d * width] = FloatBits.floatToBf16(qkv[source + keyColumn + d]);
        }
        short[] values = cache.shortValues(layer, chunk);
        int valueAt = cache.valueOffset(block, head, inBlock);
        for (int d = 0; d < headDim; d++) {
            values[valueAt + d] = FloatBits.floatToBf16(qkv[source + valueColumn + d]);
        }
    }

    private void writeBytes(int row, int slot, int head) {
        int headDim = cache.headDim();
        int block = slot / cache.blockSize();
        int inBlock = slot % cache.blockSize();
        int chunk = cache.chunk(block);
        int source = base + row * stride + head * headDim;
        byte[] keys = cache.byteKeys(layer, chunk);
        float keyScale = cache.keyScale(layer);
        int width = cache.groupWidth();
        int at = cache.keyOffset(block, head, inBlock);
        for (int d = 0; d < headDim; d++) {
            keys[at + d * width] = FloatBits.floatToF8e4m3(qkv[source + keyColumn + d] / keyScale);
        }
        byte[] values = cache.byteValues(layer, chunk);
        float valueScale = cache.valueScale(layer);
        int valueAt = cache.valueOffset(block, head, inBlock);
        for (int d = 0; d < headDim; d++) {
            values[valueAt + d] = FloatBits.floatToF8e4m3(qkv[source + valueColumn + d] / valueScale);
        }
    }
}
