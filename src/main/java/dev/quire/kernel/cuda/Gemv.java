package dev.quire.kernel.cuda;

import dev.quire.tensor.DType;

/** {@code gemv.cu}: the product with up to eight rows, bounded by reading the weights. */
final class Gemv {
    private static final int MAX_ROWS = 8;
    private static final int ALIGN = 8;
    private static final int RING_BYTES = 98304;
    /** Longer rows of x are kept in shared memory beside the ring. */
    private static final int MAX_IN_RING = 16384;

    private final int grid;
    private final KernelLaunch one;
    private final KernelLaunch oneFloat;
    private final KernelLaunch few;
    private final KernelLaunch fewFloat;
    private int oneBytes = RING_BYTES;

    Gemv(KernelFactory kernels) {
        grid = kernels.device().numMultiprocessors();
        one = kernels.kernel("gemv_bf16_m1", 256, 6).sharedBytes(RING_BYTES);
        oneFloat = kernels.kernel("gemv_bf16_m1_f32out", 256, 6).sharedBytes(RING_BYTES);
        few = kernels.kernel("gemv_bf16_m8", 128, 9).sharedBytes(RING_BYTES);
        fewFloat = kernels.kernel("gemv_bf16_m8_f32out", 128, 9).sharedBytes(RING_BYTES);
    }

    /** Whether the kernels can compute this product. */
    boolean fits(Bf16Linear weight, int xStride, int rows) {
        return rows <= MAX_ROWS && weight.inFeatures() % ALIGN == 0 && xStride % ALIGN == 0;
    }

    void run(Bf16Linear weight, long x, int xStride, long out, int outStride, DType outType, int rows) {
        boolean floats = outType == DType.F32;
        KernelLaunch kernel = rows == 1 ? (floats ? oneFloat : one) : (floats ? fewFloat : few);
        kernel.set(0, out).set(1, x).set(2, weight.weights()).set(3, weight.bias());
        kernel.set(4, weight.outFeatures()).set(5, weight.inFeatures());
        if (rows == 1) {
            reserve(weight.inFeatures());
        } else {
            kernel.set(6, rows).set(7, xStride).set(8, outStride);
        }
        kernel.launch(grid);
    }

    private void reserve(int inFeatures) {
        int bytes = RING_BYTES + (inFeatures > MAX_IN_RING ? (2 * inFeatures + 4095) / 4096 * 4096 : 0);
        if (bytes != oneBytes) {
            oneBytes = bytes;
            one.sharedBytes(bytes);
            oneFloat.sharedBytes(bytes);
        }
    }
}
