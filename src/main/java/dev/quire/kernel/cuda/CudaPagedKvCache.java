package dev.quire.kernel.cuda;

import dev.quire.kernel.KvScales;
import dev.quire.kernel.PagedKvCache;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.cuda.cudart.CUtensorMap;

/** K and V of every layer in bf16 or FP8, each [numBlocks, numKvHeads, blockSize, headDim]. */
final class CudaPagedKvCache implements PagedKvCache {
    private static final int MAP_COLUMNS = 64;

    private final PageForm form;
    private final KvScales scales;
    private final int numBlocks;
    private final int blockSize;
    private final int numKvHeads;
    private final int headDim;
    private final List<DeviceMemory> keys = new ArrayList<>();
    private final List<DeviceMemory> values = new ArrayList<>();
    private final List<CUtensorMap> keyMaps = new ArrayList<>();
    private final List<CUtensorMap> valueMaps = new ArrayList<>();

    /**
     * @param scales one of K and one of V for each layer
     * @param withMaps make the tensor maps by which Hopper's copy engine reads pages of bf16
     */
    CudaPagedKvCache(
            PageForm form,
            int numBlocks,
            int blockSize,
            int numKvHeads,
            int headDim,
            KvScales scales,
            boolean withMaps) {
        this.form = form;
        this.scales = scales;
        this.numBlocks = numBlocks;
        this.blockSize = blockSize;
        this.numKvHeads = numKvHeads;
        this.headDim = headDim;
        long layerBytes = (long) form.elementBytes() * numBlocks * numKvHeads * blockSize * headDim;
        try {
            for (int i = 0; i < scales.numLayers(); i++) {
                keys.add(DeviceMemory.allocate("keys of layer " + i, layerBytes));
                values.add(DeviceMemory.allocate("values of layer " + i, layerBytes));
                if (withMaps) {
                    keyMaps.add(map(keys.get(i).address()));
                    valueMaps.add(map(values.get(i).address()));
                }
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Boxes of one page × 64 columns of one head, 128-byte swizzle; columns beyond the head read as zero. */
    private CUtensorMap map(long address) {
        long row = (long) form.elementBytes() * headDim;
        return TensorMaps.bf16(
                address,
                new long[] {headDim, blockSize, numKvHeads, numBlocks},
                new long[] {row, row * blockSize, row * blockSize * numKvHeads},
                new int[] {MAP_COLUMNS, blockSize, 1, 1});
    }

    PageForm form() {
        return form;
    }

    /** What a stored key stands for is this times it. */
    float keyScale(int layer) {
        return form == PageForm.FP8 ? scales.key(layer) : 1f;
    }

    /** What a stored value stands for is this times it. */
    float valueScale(int layer) {
        return form == PageForm.FP8 ? scales.value(layer) : 1f;
    }

    long keys(int layer) {
        return keys.get(layer).address();
    }

    long values(int layer) {
        return values.get(layer).address();
    }

    CUtensorMap keyMap(int layer) {
        return keyMaps.get(layer);
    }

    CUtensorMap valueMap(int layer) {
        return valueMaps.get(layer);
    }

    @Override
    public int numLayers() {
        return scales.numLayers();
    }

    @Override
    public int numBlocks() {
        return numBlocks;
    }

    @Override
    public int blockSize() {
        return blockSize;
    }

    @Override
    public int numKvHeads() {
        return numKvHeads;
    }

    @Override
    public int headDim() {
        return headDim;
    }

    @Override
    public void close() {
        keys.forEach(DeviceMemory::close);
        values.forEach(DeviceMemory::close);
    }
}
