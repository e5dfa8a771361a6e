package dev.quire.kernel.cuda;

import dev.quire.tensor.DType;

/** {@code gemm_invariant.cu}: a row of the result has the same bits alone and in any batch, in tiles of any height. */
final class InvariantGemm {
    private static final int BLOCK = 128;
    private static final int SHARED_BYTES = 98304;
    private static final int ALIGN = 8;

    /** One kernel in its two output types. */
    private record Tile(int rows, int columns, KernelLaunch halves, KernelLaunch floats) {}

    private final Tile[] tiles;

    InvariantGemm(KernelFactory kernels) {
        tiles = new Tile[] {tile(kernels, 16, 32, "_m16"), tile(kernels, 64, 64, "_m64"), tile(kernels, 128, 128, "")};
    }

    private static Tile tile(KernelFactory kernels, int rows, int columns, String suffix) {
        String name = "gemm_invariant_bf16" + suffix;
        return new Tile(
                rows,
                columns,
                kernels.kernel(name, BLOCK, 9).sharedBytes(SHARED_BYTES),
                kernels.kernel(name + "_f32out", BLOCK, 9).sharedBytes(SHARED_BYTES));
    }

    /** The kernels copy 16 bytes at a time. */
    static boolean fits(Bf16Linear weight, int xStride) {
        return weight.inFeatures() % ALIGN == 0 && xStride % ALIGN == 0;
    }

    void run(Bf16Linear weight, long x, int xStride, long out, int outStride, DType outType, int rows) {
        if (!fits(weight, xStride)) {
            throw new IllegalStateException("the batch-invariant product needs inputs in multiples of " + ALIGN
                    + ", got " + weight.inFeatures());
        }
        Tile tile = rows <= 16 ? tiles[0] : rows <= 256 ? tiles[1] : tiles[2];
        KernelLaunch kernel = outType == DType.F32 ? tile.floats : tile.halves;
        kernel.set(0, out).set(1, x).set(2, weight.weights()).set(3, weight.bias());
        kernel.set(4, rows).set(5, weight.outFeatures()).set(6, weight.inFeatures());
        kernel.set(7, xStride).set(8, outStride);
        kernel.launch(ceil(rows, tile.rows) * ceil(weight.outFeatures(), tile.columns));
    }

    private static int ceil(int count, int size) {
        return (count + size - 1) / size;
    }
}
