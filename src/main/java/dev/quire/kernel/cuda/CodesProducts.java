package dev.quire.kernel.cuda;

import dev.quire.kernel.cuda.CublasLt.Format;
import dev.quire.kernel.cuda.MeasuredProducts.Way;
import dev.quire.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The ways to multiply with 8-bit codes on this card. */
final class CodesProducts {
    /** Beyond, the own tiles are not measured against cuBLASLt. */
    private static final int MAX_TILE_ROWS = 64;

    private final CublasLt blas;
    private final CodesKernels kernels;
    private final CudaDevice device;
    private final boolean invariant;

    /** @param invariant a row's bits must not depend on the number of rows */
    CodesProducts(CublasLt blas, CodesKernels kernels, CudaDevice device, boolean invariant) {
        this.blas = blas;
        this.kernels = kernels;
        this.device = device;
        this.invariant = invariant;
    }

    CodesKernels.Family kernels(CodesMatrix matrix, boolean isRounded) {
        return kernels.family(matrix, isRounded);
    }

    /** Whether products of such matrices may leave sums in the scratch. */
    boolean needsSums(boolean integers, boolean isRounded, boolean groups) {
        return integers || isRounded && !groups && !invariant && hasUnscaledE4m3();
    }

    /** cuBLASLt has 8-bit floats from Ada on; the factors of rows and blocks on Hopper alone. */
    private boolean hasUnscaledE4m3() {
        return device.major() > 8 && !device.isHopper() || device.major() == 8 && device.minor() >= 9;
    }

    /** The fastest for many rows comes first. Sums of integers are exact, so all of their ways give the same bits. */
    List<Way<CodesLinear>> find(CodesLinear linear, ProductUse use, int rows) {
        List<Way<CodesLinear>> ways = new ArrayList<>();
        boolean anyOrder = !invariant || linear.matrix().integers();
        if (anyOrder && kernels.hasGemv(linear, rows)) {
            ways.add(new ByGemv(kernels, use));
        }
        Way<CodesLinear> library = anyOrder && linear.isRounded() ? byCublasLt(linear, use, rows) : null;
        if (library != null) {
            ways.add(library);
        }
        if (library == null || rows <= MAX_TILE_ROWS) {
            ways.add(new ByTiles(kernels, use));
        }
        return ways;
    }

    private @Nullable Way<CodesLinear> byCublasLt(CodesLinear linear, ProductUse use, int rows) {
        CodesMatrix matrix = linear.matrix();
        int out = matrix.outFeatures();
        if (needsSums(matrix.integers(), true, matrix.groups())) {
            int piece = RoundingScratch.piece(rows, out);
            ProductUse sums = new ProductUse(use.xStride(), out, DType.F32, false, CublasLt.alignment(linear.sums()));
            Format format = matrix.integers() ? Format.INT8_SUMS : Format.E4M3_SUMS;
            CublasLt.Product product =
                    blas.productIfOffered(new CublasLt.Spec(format, piece, out, matrix.inStride(), sums), 0, 0);
            return product == null ? null : new BySums(kernels, use, product, piece, rows);
        }
        boolean inputGroups = linear.inputScaleStride(rows) != 0;
        boolean blocks = matrix.groups() && matrix.scaleRows() == CodesMatrix.GROUP && inputGroups;
        if (!device.isHopper() || matrix.groups() && !blocks) {
            return null;
        }
        Format format = blocks ? Format.E4M3_BLOCKS : Format.E4M3_ROWS;
        CublasLt.Product product = blas.productIfOffered(
                new CublasLt.Spec(format, rows, out, matrix.inStride(), use), matrix.scales(), linear.inputScales());
        return product == null ? null : new ByScaled(product);
    }

    private record ByGemv(CodesKernels kernels, ProductUse use) implements Way<CodesLinear> {
        @Override
        public void run(CodesLinear linear, long x, long out, int rows) {
            kernels.gemv(linear, use, x, out, rows);
        }

        @Override
        public String name() {
            return "gemv";
        }
    }

    private record ByTiles(CodesKernels kernels, ProductUse use) implements Way<CodesLinear> {
        @Override
        public void run(CodesLinear linear, long x, long out, int rows) {
            kernels.tiles(linear, use, x, out, rows);
        }

        @Override
        public String name() {
            return "tiles";
        }
    }

    /** The library brings in the factors. */
    private record ByScaled(CublasLt.Product product) implements Way<CodesLinear> {
        @Override
        public void run(CodesLinear linear, long x, long out, int rows) {
            CodesMatrix matrix = linear.matrix();
            product.scale(matrix.scales(), linear.inputScales());
            product.run(matrix.codes(), matrix.biasBf16(), x, out);
        }

        @Override
        public double micros(ProductTimer timer, CodesLinear linear, long x, long out, int rows) {
            return product.chooseBest(timer, () -> run(linear, x, out, rows));
        }

        @Override
        public String name() {
            return "cublasLt#" + product.chosen();
        }

        @Override
        public void close() {
            product.close();
        }
    }

    /**
     * The library's sums, the factors afterwards, in pieces of rows. The last piece ends with the last row, so that it has the
     * size of the others.
     */
    private record BySums(CodesKernels kernels, ProductUse use, CublasLt.Product product, int piece, int paddedRows)
            implements Way<CodesLinear> {
        @Override
        public void run(CodesLinear linear, long x, long out, int rows) {
            CodesMatrix matrix = linear.matrix();
            for (int begin = 0; begin < rows; begin += piece) {
                int first = Math.min(begin, paddedRows - piece);
                product.run(matrix.codes(), 0, x + (long) first * matrix.inStride(), linear.sums());
                kernels.scaleSums(linear, use, out, first, Math.min(piece, rows - first));
            }
        }

        @Override
        public double micros(ProductTimer timer, CodesLinear linear, long x, long out, int rows) {
            return product.chooseBest(timer, () -> run(linear, x, out, rows));
        }

        @Override
        public String name() {
            return "cublasLt#" + product.chosen() + " and factors";
        }

        @Override
        public void close() {
            product.close();
        }
    }
}
