package dev.quire.kernel.cuda;

import static dev.quire.kernel.cuda.CudaArena.address;

import dev.quire.kernel.AttentionParams;
import dev.quire.tensor.Tensor;

/** The arguments of one call of attention, which its kernels share; filled anew for each layer, so it allocates nothing. */
final class AttentionCall {
    private long out;
    private int outStride;
    private long q;
    private int qStride;
    private int qRows;
    private CudaPagedKvCache pages;
    private int layer;
    private AttentionParams params;
    private long sinks;
    private StepInputs step;

    void fill(
            Tensor outTensor,
            Tensor qkv,
            CudaPagedKvCache cache,
            int layerIndex,
            AttentionParams attention,
            long sinkAddress,
            StepInputs inputs) {
        out = address(outTensor);
        outStride = outTensor.rowStride();
        q = address(qkv);
        qStride = qkv.rowStride();
        qRows = qkv.shape().intDim(0);
        pages = cache;
        layer = layerIndex;
        params = attention;
        sinks = sinkAddress;
        step = inputs;
    }

    /** The first eleven parameters of every paged attention kernel but the one on tensor maps. */
    void setCommon(KernelLaunch kernel) {
        StepData data = step.data();
        kernel.set(0, out).set(1, outStride).set(2, q).set(3, qStride);
        kernel.set(4, pages.keys(layer)).set(5, pages.values(layer)).set(6, pages.blockSize());
        kernel.set(7, data.cuSeqlensQ()).set(8, data.seqLens());
        kernel.set(9, data.blockTableStart()).set(10, data.blockTables());
    }

    long out() {
        return out;
    }

    int outStride() {
        return outStride;
    }

    long q() {
        return q;
    }

    int qStride() {
        return qStride;
    }

    /** Rows that the buffer of q has. */
    int qRows() {
        return qRows;
    }

    CudaPagedKvCache pages() {
        return pages;
    }

    int layer() {
        return layer;
    }

    AttentionParams params() {
        return params;
    }

    /** Multiplies a query's product with a key as it is stored. */
    float scale() {
        return params.scale() * pages.keyScale(layer);
    }

    /** The last parameter of every kernel that reads FP8 pages; others do not have it. */
    void setValueScale(KernelLaunch kernel, int parameter) {
        if (pages.form() == PageForm.FP8) {
            kernel.set(parameter, pages.valueScale(layer));
        }
    }

    /** Device address of f32 [numHeads], or 0. */
    long sinks() {
        return sinks;
    }

    StepInputs step() {
        return step;
    }

    StepData data() {
        return step.data();
    }
}
