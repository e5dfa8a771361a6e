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
    private static final int MIN_MAP_ALIGNMENT = 8;

    private final KernelLaunch write;
    private final KernelLaunch rotateAndWrite;
    private final KernelLaunch writeFp8;
    private final KernelLaunch rotateAndWriteFp8;
    private final StepInputs step;
    private final CudaAttention attention;
    private final boolean hopper;

    /** @param attention hears what form of cache it will read */
    CudaKvCache(KernelFactory kernels, StepInputs step, CudaAttention attention) {
        write = kernels.kernel("kv_write_bf16", BLOCK, 10);
        rotateAndWrite = kernels.kernel("rope_kv_write_bf16", BLOCK, 14);
        writeFp8 = kernels.kernel("kv_write_fp8", BLOCK, 12);
        rotateAndWriteFp8 = kernels.kernel("rope_kv_write_fp8", BLOCK, 16);
        this.step = step;
        this.attention = attention;
        hopper = kernels.device().isHopper();
    }

    @Override
    public DType[] supportedTypes() {
        return new DType[] {DType.BF16, DType.F8_E4M3};
    }

    @Override
    public long blockBytes(int numLayers, int numKvHeads, int headDim, int blockSize, DType type) {
        return 2L * type.sizeBytes() * numLayers * numKvHeads * headDim * blockSize;
    }

    @Override
    public PagedKvCache allocate(
            int numBlocks, int blockSize, int numKvHeads, int headDim, DType type, KvScales scales) {
        PageForm form = PageForm.of(type);
        boolean mappable = form == PageForm.BF16 && hopper && headDim % MIN_MAP_ALIGNMENT == 0;
        attention.read(form);
        return new CudaPagedKvCache(form, numBlocks, blockSize, numKvHeads, headDim, scales, mappable);
    }

    @Override
    public void write(
            PagedKvCache cache, int layer, Tensor qkv, int keyColumn, int valueColumn, AttentionMetadata metadata) {
        CudaPagedKvCache pages = (CudaPagedKvCache) cache;
        KernelLaunch kernel = pages.form() == PageForm.FP8 ? writeFp8 : write;
        int numHeads = keyColumn / pages.headDim();
        kernel.set(0, address(qkv)).set(1, qkv.rowStride()).set(2, step.data().slotMapping());
        kernel.set(3, pages.keys(layer))
                .set(4, pages.values(layer))
                .set(5, numHeads)
                .set(6, pages.numKvHeads());
        kernel.set(7, pages.headDim()).set(8, pages.blockSize()).set(9, step.numRows());
        setScales(kernel, 10, pages, layer);
        kernel.launch(Rows.gridX(2 * pages.numKvHeads() * pages.headDim(), BLOCK), Rows.gridY(step.numRows()));
    }

    /** See {@link dev.quire.kernel.Backend#rotateAndWrite}. */
    void rotateAndWrite(PagedKvCache cache, int layer, Tensor qkv, int numHeads, Rope rope) {
        CudaPagedKvCache pages = (CudaPagedKvCache) cache;
        CudaRope.Table table = (CudaRope.Table) rope;
        KernelLaunch kernel = pages.form() == PageForm.FP8 ? rotateAndWriteFp8 : rotateAndWrite;
        int rows = step.numRows();
        kernel.set(0, address(qkv)).set(1, qkv.rowStride());
        kernel.set(2, step.data().positions()).set(3, step.data().slotMapping());
        kernel.set(4, table.cosSin()).set(5, pages.keys(layer)).set(6, pages.values(layer));
        kernel.set(7, numHeads).set(8, pages.numKvHeads()).set(9, pages.headDim());
        kernel.set(10, table.rotaryDim()).set(11, table.interleaved() ? 1 : 0).set(12, pages.blockSize());
        kernel.set(13, rows);
        setScales(kernel, 14, pages, layer);
        int width = (numHeads + 2 * pages.numKvHeads()) * pages.headDim();
        kernel.launch(Rows.gridX(width, BLOCK), Rows.gridY(rows));
    }

    /** The parameters that only the kernels of FP8 have. */
    private static void setScales(KernelLaunch kernel, int parameter, CudaPagedKvCache pages, int layer) {
        if (pages.form() == PageForm.FP8) {
            kernel.set(parameter, pages.keyScale(layer)).set(parameter + 1, pages.valueScale(layer));
        }
    }
}
