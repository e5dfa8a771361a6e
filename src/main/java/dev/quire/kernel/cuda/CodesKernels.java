package dev.quire.kernel.cuda;

import dev.quire.tensor.DType;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code gemv_codes.cu}, {@code gemm_codes.cu} and {@code scale_sums.cu}: products with 8-bit codes. */
final class CodesKernels {
    /** Rows of the kernel that is bounded by reading the weights. */
    static final int MAX_GEMV_ROWS = 8;

    private static final int RING_BYTES = 98304;
    private static final int GEMV_STATIC_BYTES = 8704;
    private static final int E4M3_PARAMETERS = 14;
    private static final int INT8_PARAMETERS = 13;
    private static final int SCALE_BLOCK = 128;
    private static final int SCALE_COLUMNS = 4 * SCALE_BLOCK;

    /** One kernel in its two output types. */
    private record Pair(KernelLaunch halves, KernelLaunch floats) {
        static Pair of(KernelFactory kernels, String name, int block, int numParameters, int sharedBytes) {
            return new Pair(
                    kernels.kernel(name, block, numParameters).sharedBytes(sharedBytes),
                    kernels.kernel(name + "_f32out", block, numParameters).sharedBytes(sharedBytes));
        }

        KernelLaunch of(DType outType) {
            return outType == DType.F32 ? floats : halves;
        }
    }

    private record Tile(int rows, int columns, Pair pair) {}

    /** The kernels for one kind of operands. */
    static final class Family {
        private final @Nullable Pair gemv;
        private final Tile[] tiles;

        private Family(@Nullable Pair gemv, Tile... tiles) {
            this.gemv = gemv;
            this.tiles = tiles;
        }
    }

    private final KernelFactory kernels;
    private final Map<String, Family> families = new HashMap<>();
    private final Pair floatSums;
    private final Pair intSums;

    CodesKernels(KernelFactory kernels) {
        this.kernels = kernels;
        floatSums = Pair.of(kernels, "scale_sums_f32", SCALE_BLOCK, 10, 0);
        intSums = Pair.of(kernels, "scale_sums_s32", SCALE_BLOCK, 10, 0);
    }

    /** Loads the kernels for a matrix; others stay where they are. */
    Family family(CodesMatrix matrix, boolean isRounded) {
        if (matrix.integers()) {
            return families.computeIfAbsent("int8", operands -> load(operands, INT8_PARAMETERS));
        }
        String name = "e4m3" + (isRounded ? "" : "_bf16") + (matrix.groups() ? "_groups" : "");
        return families.computeIfAbsent(name, operands -> load(operands, E4M3_PARAMETERS));
    }

    private Family load(String operands, int numParameters) {
        // Cards of 99 KB a block have no room for both.
        boolean hasGemv = kernels.device().maxSharedBytes() >= RING_BYTES + GEMV_STATIC_BYTES;
        Pair gemv = hasGemv ? Pair.of(kernels, "gemv_" + operands, 128, numParameters, RING_BYTES) : null;
        String gemm = "gemm_" + operands;
        return new Family(
                gemv,
                new Tile(16, 32, Pair.of(kernels, gemm + "_m16", 128, numParameters, RING_BYTES)),
                new Tile(64, 64, Pair.of(kernels, gemm + "_m64", 128, numParameters, RING_BYTES)),
                new Tile(128, 128, Pair.of(kernels, gemm, 256, numParameters, RING_BYTES)));
    }

    boolean hasGemv(CodesLinear linear, int rows) {
        return rows <= MAX_GEMV_ROWS && linear.kernels().gemv != null;
    }

    /** Up to {@link #MAX_GEMV_ROWS} rows. */
    void gemv(CodesLinear linear, ProductUse use, long x, long out, int rows) {
        Pair pair = linear.kernels().gemv;
        if (pair == null) {
            throw new IllegalStateException("no kernel for few rows on this card");
        }
        launch(
                pair.of(use.outType()),
                linear,
                use,
                x,
                out,
                rows,
                kernels.device().numMultiprocessors());
    }

    /** Any number of rows; the bits of a result depend on its row and the matrix alone. */
    void tiles(CodesLinear linear, ProductUse use, long x, long out, int rows) {
        Tile[] tiles = linear.kernels().tiles;
        Tile tile = rows <= 16 ? tiles[0] : rows <= 256 ? tiles[1] : tiles[2];
        int grid = ceil(rows, tile.rows) * ceil(linear.outFeatures(), tile.columns);
        launch(tile.pair.of(use.outType()), linear, use, x, out, rows, grid);
    }

    private static void launch(
            KernelLaunch kernel, CodesLinear linear, ProductUse use, long x, long out, int rows, int grid) {
        CodesMatrix matrix = linear.matrix();
        int at = 0;
        kernel.set(at++, out).set(at++, x).set(at++, matrix.codes()).set(at++, matrix.scales());
        kernel.set(at++, linear.inputScales());
        if (matrix.integers()) {
            kernel.set(at++, linear.inputZeros()).set(at++, matrix.sums());
        }
        kernel.set(at++, matrix.bias()).set(at++, matrix.outFeatures()).set(at++, matrix.inStride());
        kernel.set(at++, rows).set(at++, use.xStride()).set(at++, use.outStride());
        if (!matrix.integers()) {
            kernel.set(at++, matrix.scaleRows()).set(at++, matrix.groupStride());
            kernel.set(at, linear.inputScaleStride(MeasuredProducts.paddedRows(rows)));
        }
        kernel.launch(grid);
    }

    /** Brings the factors into {@code rows} rows of unscaled sums, from row {@code first} of the input on. */
    void scaleSums(CodesLinear linear, ProductUse use, long out, int first, int rows) {
        CodesMatrix matrix = linear.matrix();
        KernelLaunch kernel = (matrix.integers() ? intSums : floatSums).of(use.outType());
        long zeros = linear.inputZeros();
        kernel.set(0, out + (long) first * use.outStride() * use.outType().sizeBytes());
        kernel.set(1, linear.sums()).set(2, matrix.scales()).set(3, linear.inputScales() + 4L * first);
        kernel.set(4, zeros == 0 ? 0 : zeros + 4L * first).set(5, matrix.sums()).set(6, matrix.bias());
        kernel.set(7, matrix.outFeatures()).set(8, rows).set(9, use.outStride());
        kernel.launch(ceil(matrix.outFeatures(), SCALE_COLUMNS), Rows.gridY(rows));
    }

    private static int ceil(int count, int size) {
        return (count + size - 1) / size;
    }
}
