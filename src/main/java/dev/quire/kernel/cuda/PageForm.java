package dev.quire.kernel.cuda;

import dev.quire.tensor.DType;

/** How K and V lie in the pages, and so which of the attention kernels read them: see {@code attention_pages.cuh}. */
enum PageForm {
    BF16(DType.BF16, "bf16"),
    FP8(DType.F8_E4M3, "fp8");

    private final DType type;
    private final String kernelName;

    PageForm(DType type, String kernelName) {
        this.type = type;
        this.kernelName = kernelName;
    }

    static PageForm of(DType type) {
        for (PageForm form : values()) {
            if (form.type == type) {
                return form;
            }
        }
        throw new IllegalArgumentException("no " + type + " KV cache on CUDA, only BF16 and F8_E4M3");
    }

    DType type() {
        return type;
    }

    /** What the kernels of this form have in their names. */
    String kernelName() {
        return kernelName;
    }

    int elementBytes() {
        return type.sizeBytes();
    }

    /** Bytes of a row of K or V in shared memory: an odd number of 16-byte parts. */
    int pitch(int headDim) {
        int parts = headDim * elementBytes() / 16;
        return 16 * (parts % 2 == 0 ? parts + 1 : parts);
    }
}
