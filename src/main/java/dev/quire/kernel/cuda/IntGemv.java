package dev.quire.kernel.cuda;

import dev.quire.tensor.DType;

/** {@code gemv_int.cu}: the product of up to sixteen rows with a matrix of integers, bounded by reading its codes. */
final class IntGemv {
    static final int MAX_ROWS = 16;
    private static final int NARROW_ROWS = 8;
    private static final int BLOCK = 256;
    private static final int WARPS = 8;
    private static final int RING_BYTES = 65536;
    private static final int PARAMETERS = 15;

    private final int grid;
    private final int maxSharedBytes;
    private final KernelLaunch four;
    private final KernelLaunch fourWide;
    private final KernelLaunch eight;
    private final KernelLaunch eightWide;

    IntGemv(KernelFactory kernels) {
        grid = kernels.device().numMultiprocessors();
        maxSharedBytes = kernels.device().maxSharedBytes();
        four = kernels.kernel("gemv_w4a16", BLOCK, PARAMETERS);
        fourWide = kernels.kernel("gemv_w4a16_m16", BLOCK, PARAMETERS);
        eight = kernels.kernel("gemv_w8a16", BLOCK, PARAMETERS);
        eightWide = kernels.kernel("gemv_w8a16_m16", BLOCK, PARAMETERS);
    }

    boolean fits(IntMatrix matrix, int xStride, int rows) {
        return rows <= MAX_ROWS && xStride % 8 == 0 && sharedBytes(matrix, rows) <= maxSharedBytes;
    }

    /** As the kernel divides it: sums of all warps, then a ring of stages. */
    private int sharedBytes(IntMatrix matrix, int rows) {
        IntForm form = matrix.form();
        int blocks = rows > NARROW_ROWS ? 2 : 1;
        int small = 8 / form.bits();
        int perCta = (IntForm.tiles(matrix.outFeatures()) + grid - 1) / grid;
        int tiles = blocks > 1 || perCta <= small ? small : 2 * small;
        int codes = tiles * form.bits() * 128;
        int stage = codes + tiles * form.granulesPerStep() * IntForm.TILE * form.width();
        int sums = WARPS * blocks * NARROW_ROWS * (IntForm.TILE * tiles + 4) * Float.BYTES;
        return sums + RING_BYTES / codes * stage;
    }

    /** @param bias device address of f32 [outFeatures], or 0 */
    void run(IntMatrix matrix, long bias, long x, int xStride, long out, int outStride, DType outType, int rows) {
        boolean wide = rows > NARROW_ROWS;
        KernelLaunch kernel = matrix.form().bits() == 4 ? (wide ? fourWide : four) : (wide ? eightWide : eight);
        kernel.sharedBytes(sharedBytes(matrix, rows));
        kernel.set(0, out).set(1, x).set(2, matrix.codes()).set(3, matrix.scales());
        kernel.set(4, bias).set(5, matrix.outFeatures()).set(6, matrix.inFeatures());
        kernel.set(7, rows).set(8, xStride).set(9, outStride).set(10, outType == DType.F32 ? 1 : 0);
        matrix.set(kernel, 11);
        kernel.launch(grid);
    }
}
