package dev.quire.kernel.cuda;

import dev.quire.kernel.cuda.IntGemm.Tile;
import dev.quire.kernel.cuda.MeasuredProducts.Way;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The ways to compute products with matrices of integers. */
final class IntProducts implements MeasuredProducts.Ways<IntLinear> {
    /** From here on making bf16 of the matrix costs little beside the product. */
    private static final int MANY_ROWS = 1024;

    private final IntGemv gemv;
    private final IntGemm gemm;

    IntProducts(IntGemv gemv, IntGemm gemm) {
        this.gemv = gemv;
        this.gemm = gemm;
    }

    /** Reads the codes once: with few rows nothing else is worth a measurement. */
    private record Few(IntGemv gemv, ProductUse use) implements Way<IntLinear> {
        @Override
        public void run(IntLinear weight, long x, long out, int rows) {
            gemv.run(weight.matrix(), weight.bias(), x, use.xStride(), out, use.outStride(), use.outType(), rows);
        }

        @Override
        public String name() {
            return "gemv";
        }
    }

    private record Tiles(IntGemm gemm, Tile tile, ProductUse use) implements Way<IntLinear> {
        @Override
        public void run(IntLinear weight, long x, long out, int rows) {
            gemm.run(tile, weight.matrix(), weight.bias(), x, use.xStride(), out, use.outStride(), use.outType(), rows);
        }

        @Override
        public String name() {
            return tile.name().toLowerCase(Locale.ROOT);
        }
    }

    /** Makes bf16 of the matrix first. */
    private record Expanded(ProductUse use) implements Way<IntLinear> {
        @Override
        public void run(IntLinear weight, long x, long out, int rows) {
            weight.multiplyPieces(x, use.xStride(), out, use.outStride(), use.outType(), rows);
        }

        @Override
        public String name() {
            return "expanded";
        }
    }

    @Override
    public List<Way<IntLinear>> find(IntLinear weight, ProductUse use, int rows) {
        IntMatrix matrix = weight.matrix();
        List<Way<IntLinear>> ways = new ArrayList<>();
        if (gemv.fits(matrix, use.xStride(), rows)) {
            ways.add(new Few(gemv, use));
        }
        for (Tile tile : Tile.values()) {
            if (tile.suits(rows) && gemm.fits(matrix, tile, use.xStride())) {
                ways.add(new Tiles(gemm, tile, use));
            }
        }
        if (rows > IntGemv.MAX_ROWS || ways.isEmpty()) {
            ways.add(rows >= MANY_ROWS ? 0 : ways.size(), new Expanded(use));
        }
        return ways;
    }
}
