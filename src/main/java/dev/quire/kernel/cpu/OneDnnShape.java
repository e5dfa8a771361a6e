package dev.quire.kernel.cpu;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.dnnl_ab;
import static org.bytedeco.dnnl.global.dnnl.dnnl_bf16;
import static org.bytedeco.dnnl.global.dnnl.dnnl_f32;
import static org.bytedeco.dnnl.global.dnnl.dnnl_format_tag_any;
import static org.bytedeco.dnnl.global.dnnl.dnnl_matmul_primitive_desc_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_get_size;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_query_md;
import static org.bytedeco.dnnl.global.dnnl.dnnl_query_scratchpad_md;
import static org.bytedeco.dnnl.global.dnnl.dnnl_query_weights_md;

import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.LongPointer;
import org.jspecify.annotations.Nullable;

/**
 * The products [m, k] × [k, n] for each m of {@link #CHUNK_ROWS}, all with one layout of the weights. Any number of rows
 * is a few chunks: everything is made when weights are loaded, nothing in a step.
 */
final class OneDnnShape {
    /** Rows of the products, falling; the last one's multiples cover every step. */
    private static final int[] CHUNK_ROWS = {256, 192, 128, 96, 64, 48, 32, 16};

    static final int MAX_CHUNK_ROWS = CHUNK_ROWS[0];
    static final int MIN_CHUNK_ROWS = CHUNK_ROWS[CHUNK_ROWS.length - 1];

    final int k;
    final int n;
    /** Of one block of weights, whole cache lines. */
    final long weightBytes;

    private final Call[] products = new Call[CHUNK_ROWS.length];

    // Element (i, j) of a block of weights is at kOffset[i] + nOffset[j]; the places of no element are zero.
    final int[] kOffset;
    final int[] nOffset;

    /** A primitive with the memories of each worker; scratchpad null when it needs none. */
    private record Call(
            dnnl_primitive primitive,
            dnnl_memory[] src,
            dnnl_memory[] weights,
            dnnl_memory[] dst,
            dnnl_memory @Nullable [] scratchpad) {}

    OneDnnShape(OneDnn library, int k, int n, OneDnnWorker[] workers) {
        this.k = k;
        this.n = n;
        int srcType = OneDnn.multipliesBf16() ? dnnl_bf16 : dnnl_f32;
        dnnl_memory_desc layout = library.layout(k, n, dnnl_bf16, dnnl_format_tag_any);
        for (int i = 0; i < CHUNK_ROWS.length; i++) {
            dnnl_memory_desc src = library.layout(CHUNK_ROWS[i], k, srcType, dnnl_ab);
            dnnl_memory_desc dst = library.layout(CHUNK_ROWS[i], n, dnnl_f32, dnnl_ab);
            dnnl_primitive_desc description = new dnnl_primitive_desc();
            OneDnn.check(
                    "product of [" + CHUNK_ROWS[i] + ", " + k + "] and [" + k + ", " + n + "]",
                    dnnl_matmul_primitive_desc_create(
                            description, library.engine, src, layout, null, dst, library.attributes));
            dnnl_primitive primitive = library.primitive(description);
            // The first, largest one says which layout it likes; the others take it too.
            layout = dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0);
            products[i] = call(library, primitive, description, src, layout, dst, workers);
        }
        weightBytes = (dnnl_memory_desc_get_size(layout) + 63) / 64 * 64;
        try (memory.desc blocked = new memory.desc(layout, true)) {
            kOffset = offsets(blocked, 0, k);
            nOffset = offsets(blocked, 1, n);
        }
    }

    /** Where each index of one dimension lies in the layout: an element's place is the sum over both dimensions. */
    private static int[] offsets(memory.desc layout, int dim, int count) {
        // JavaCPP makes a new constant of what a native call returns.
        memory.format_kind kind = layout.get_format_kind().intern();
        if (kind != memory.format_kind.blocked) {
            throw new IllegalStateException("oneDNN: weights in a layout of kind " + kind);
        }
        long stride = layout.get_strides().get(dim);
        int numBlocks = layout.get_inner_nblks();
        LongPointer sizes = layout.get_inner_blks();
        LongPointer dims = layout.get_inner_idxs();
        int[] offsets = new int[count];
        for (int i = 0; i < count; i++) {
            long rest = i;
            long offset = 0;
            long innerStride = 1;
            for (int b = numBlocks - 1; b >= 0; b--) {
                long size = sizes.get(b);
                if (dims.get(b) == dim) {
                    offset += rest % size * innerStride;
                    rest /= size;
                }
                innerStride *= size;
            }
            offsets[i] = Math.toIntExact(offset + rest * stride);
        }
        return offsets;
    }

    private static Call call(
            OneDnn library,
            dnnl_primitive primitive,
            dnnl_primitive_desc description,
            dnnl_memory_desc src,
            dnnl_memory_desc weights,
            dnnl_memory_desc dst,
            OneDnnWorker[] workers) {
        dnnl_memory_desc scratchpad = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
        long scratchBytes = scratchpad == null ? 0 : dnnl_memory_desc_get_size(scratchpad);
        for (OneDnnWorker worker : workers) {
            worker.reserveScratch(scratchBytes);
        }
        return new Call(
                primitive,
                memories(library, src, workers.length),
                memories(library, weights, workers.length),
                memories(library, dst, workers.length),
                scratchBytes == 0 ? null : memories(library, scratchpad, workers.length));
    }

    private static dnnl_memory[] memories(OneDnn library, dnnl_memory_desc layout, int count) {
        dnnl_memory[] memories = new dnnl_memory[count];
        for (int i = 0; i < count; i++) {
            memories[i] = library.memory(layout);
        }
        return memories;
    }

    /** The largest chunk of at most so many rows, a multiple of {@link #MIN_CHUNK_ROWS}. */
    static int chunkFor(int numRows) {
        int chunk = 0;
        while (CHUNK_ROWS[chunk] > numRows) {
            chunk++;
        }
        return chunk;
    }

    static int chunkRows(int chunk) {
        return CHUNK_ROWS[chunk];
    }

    /**
     * dst [chunk rows, n] f32 = src [chunk rows, k] as {@link OneDnnRows} keeps them × a block of weights; all are addresses.
     *
     * @param worker whose task this is
     */
    void multiply(OneDnnWorker worker, int chunk, long src, long weights, long dst) {
        Call call = products[chunk];
        int w = worker.index;
        worker.argument(0, DNNL_ARG_SRC, call.src[w], src);
        worker.argument(1, DNNL_ARG_DST, call.dst[w], dst);
        worker.argument(2, DNNL_ARG_WEIGHTS, call.weights[w], weights);
        worker.execute(call.primitive, 3, call.scratchpad == null ? null : call.scratchpad[w]);
    }
}
