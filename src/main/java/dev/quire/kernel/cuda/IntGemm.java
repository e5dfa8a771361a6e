package dev.quire.kernel.cuda;

import dev.quire.tensor.DType;

/** {@code gemm_int.cu}: products of many rows with a matrix of integers, on Hopper. */
final class IntGemm {
    private static final int BLOCK = 256;
    private static final int WARPS = 8;
    private static final int ALIGNMENT = 1024;
    private static final int PARAMETERS = 15;

    /** A kernel for tiles of so many rows of x; split: warpgroups share the columns of the matrix. */
    enum Tile {
        M64_SPLIT(64, 2),
        M128_SPLIT(128, 2),
        M128(128, 1),
        M256(256, 1);

        private final int rows;
        private final int split;

        Tile(int rows, int split) {
            this.rows = rows;
            this.split = split;
        }

        private String suffix() {
            return "_m" + rows + (split > 1 ? "_split" : "");
        }

        private int stages(int bits) {
            return bits == 4 && rows < 256 ? 5 : 4;
        }

        /** Whether the tile is worth measuring for so many rows. */
        boolean suits(int numRows) {
            return numRows > rows / 2 || rows == 64 && numRows > 8;
        }
    }

    private final boolean isHopper;
    private final int maxSharedBytes;
    private final KernelLaunch[] four;
    private final KernelLaunch[] eight;

    IntGemm(KernelFactory kernels) {
        isHopper = kernels.device().isHopper();
        maxSharedBytes = kernels.device().maxSharedBytes();
        four = launches(kernels, "gemm_w4a16");
        eight = launches(kernels, "gemm_w8a16");
    }

    private static KernelLaunch[] launches(KernelFactory kernels, String name) {
        Tile[] tiles = Tile.values();
        KernelLaunch[] launches = new KernelLaunch[tiles.length];
        for (int i = 0; i < tiles.length; i++) {
            launches[i] = kernels.kernel(name + tiles[i].suffix(), BLOCK, PARAMETERS);
        }
        return launches;
    }

    boolean fits(IntMatrix matrix, Tile tile, int xStride) {
        return isHopper && xStride % 8 == 0 && sharedBytes(matrix.form(), tile) <= maxSharedBytes;
    }

    private static int sharedBytes(IntForm form, Tile tile) {
        int scales = form.granulesPerStep() * IntForm.TILE * form.width();
        int stage = tile.rows * tile.split * 128 + WARPS * (128 * form.bits() + scales);
        return ALIGNMENT + tile.stages(form.bits()) * stage;
    }

    /** @param bias device address of f32 [outFeatures], or 0 */
    void run(
            Tile tile,
            IntMatrix matrix,
            long bias,
            long x,
            int xStride,
            long out,
            int outStride,
            DType outType,
            int rows) {
        KernelLaunch kernel = (matrix.form().bits() == 4 ? four : eight)[tile.ordinal()];
        kernel.sharedBytes(sharedBytes(matrix.form(), tile));
        kernel.set(0, out).set(1, x).set(2, matrix.codes()).set(3, matrix.scales());
        kernel.set(4, bias).set(5, matrix.outFeatures()).set(6, matrix.inFeatures());
        kernel.set(7, rows).set(8, xStride).set(9, outStride).set(10, outType == DType.F32 ? 1 : 0);
        matrix.set(kernel, 11);
        int columns = 128 / tile.split;
        kernel.launch((matrix.outFeatures() + columns - 1) / columns * ((rows + tile.rows - 1) / tile.rows));
    }
}
