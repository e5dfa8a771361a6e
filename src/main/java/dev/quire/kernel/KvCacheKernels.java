package dev.quire.kernel;

import dev.quire.tensor.DType;
import dev.quire.tensor.Tensor;

/** Memory of the paged KV cache, and writing into it. */
public interface KvCacheKernels {
    /** Types this backend can keep K and V in; the first is the default. */
    DType[] supportedTypes();

    /** Bytes of one block over all layers: what the memory plan divides by. */
    long blockBytes(int numLayers, int numKvHeads, int headDim, int blockSize, DType type);

    /** A cache whose scales are all 1. */
    default PagedKvCache allocate(
            int numLayers, int numBlocks, int blockSize, int numKvHeads, int headDim, DType type) {
        return allocate(numBlocks, blockSize, numKvHeads, headDim, type, KvScales.ones(numLayers));
    }

    /**
     * A cache of as many layers as there are scales.
     *
     * @param scales used by {@link DType#F8_E4M3} alone; saturating at ±448 times the scale
     */
    PagedKvCache allocate(int numBlocks, int blockSize, int numKvHeads, int headDim, DType type, KvScales scales);

    /**
     * Writes K and V of each row to its slot.
     *
     * @param qkv packed projection; K's heads start at {@code keyColumn}, V's at {@code valueColumn}
     * @param metadata {@code slotMapping} of the rows
     */
    void write(PagedKvCache cache, int layer, Tensor qkv, int keyColumn, int valueColumn, AttentionMetadata metadata);
}
