package dev.quire.kernel.cuda;

import static dev.quire.kernel.cuda.CudaArena.address;

import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.KvCacheKernels;
import dev.quire.kernel.KvScales;
import dev.quire.kernel.PagedKvCache;
import dev.quire.kernel.RopeKernels.Rope;
import dev.quire.tensor.DType;
import dev.quire.tensor.Tensor;

/** {@code rope.cu}: rotation and the write into the pages are one kernel. */
final class CudaKvCache implements KvCacheKernels {
    private static final int BLOCK = 128;
    private static final int ELEMENT_BYTES = 2;
    private static final int MIN_MAP_ALIGNMENT = 8;

    private final KernelLaunch write;
    private final KernelLaunch rotateAndWrite;
    private final StepInputs step;
    private final boolean hopper;

    CudaKvCache(KernelFactory kernels, StepInputs step) {
        write = kernels.kernel("kv_write_bf16", BLOCK, 10);
        rotateAndWrite = kernels.kernel("rope_kv_write_bf16", BLOCK, 14);
        this.step = step;
        hopper = kernels.device().isHopper();
    }

    @Override
    public DType[] supportedTypes() {
        return new DType[] {DType.BF16};
    }

    @Override
    public long blockBytes(int numLayers, int numKvHeads, int headDim, int blockSize, DType type) {
        return 2L * ELEMENT_BYTES * numLayers * numKvHeads * headDim * blockSize;
    }

    @Override
    public PagedKvCache allocate(
            int numBlocks, int blockSize, int numKvHeads, int headDim, DType type, KvScales scales) {
        if (type != DType.BF16) {
            throw new IllegalArgumentException("no " + type + " KV cache on CUDA, only BF16");
        }
        boolean mappable = hopper && headDim % MIN_MAP_ALIGNMENT == 0;
        return new CudaPagedKvCache(scales.numLayers(), numBlocks, blockSize, numKvHeads, headDim, mappable);
    }

    @Override
    public void write(
            PagedKvCache cache, int layer, Tensor qkv, int keyColumn, int valueColumn, AttentionMetadata metadata) {
        CudaPagedKvCache pages = (CudaPagedKvCache) cache;
        int numHeads = keyColumn / pages.headDim();
        write.set(0, address(qkv)).set(1, qkv.rowStride()).set(2, step.data().slotMapping());
        write.set(3, pages.keys(layer))
                .set(4, pages.values(layer))
                .set(5, numHeads)
                .set(6, pages.numKvHeads());
        write.set(7, pages.headDim()).set(8, pages.blockSize()).set(9, step.numRows());
        write.launch(Rows.gridX(2 * pages.numKvHeads() * pages.headDim(), BLOCK), Rows.gridY(step.numRows()));
    }

    /** See {@link dev.quire.kernel.Backend#rotateAndWrite}. */
    void rotateAndWrite(PagedKvCache cache, int layer, Tensor qkv, int numHeads, Rope rope) {
        CudaPagedKvCache pages = (CudaPagedKvCache) cache;
        CudaRope.Table table = (CudaRope.Table) rope;
        int rows = step.numRows();
        rotateAndWrite.set(0, address(qkv)).set(1, qkv.rowStride());
        rotateAndWrite.set(2, step.data().positions()).set(3, step.data().slotMapping());
        rotateAndWrite.set(4, table.cosSin()).set(5, pages.keys(layer)).set(6, pages.values(layer));
        rotateAndWrite.set(7, numHeads).set(8, pages.numKvHeads()).set(9, pages.headDim());
        rotateAndWrite
                .set(10, table.rotaryDim())
                .set(11, table.interleaved() ? 1 : 0)
                .set(12, pages.blockSize());
        rotateAndWrite.set(13, rows);
        int width = (numHeads + 2 * pages.numKvHeads()) * pages.headDim();
        rotateAndWrite.launch(Rows.gridX(width, BLOCK), Rows.gridY(rows));
    }
}
