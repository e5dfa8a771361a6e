package dev.quire.kernel.cuda;

import dev.quire.kernel.cuda.IntGemm.Tile;
import dev.quire.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What computes products with matrices of integers of one shape and form, for each padded number of rows: the fastest of the
 * kernels that can, measured when a number comes up (up to {@link #MAX_MEASURED_ROWS}, beyond at powers of two).
 */
final class IntProducts {
    private static final int MAX_MEASURED_ROWS = 512;
    private static final int MANY_ROWS = 1024;

    /** @param tile null: the matrix-vector kernel, or through bf16 */
    private record Choice(String name, @Nullable Tile tile) {}

    private static final Choice GEMV = new Choice("gemv", null);
    /** Makes bf16 of the matrix first. */
    private static final Choice EXPANDED = new Choice("expanded", null);

    private final IntGemv gemv;
    private final IntGemm gemm;
    private final ProductTimer timer;
    private @Nullable Choice[] byRows = {};

    IntProducts(IntGemv gemv, IntGemm gemm, ProductTimer timer) {
        this.gemv = gemv;
        this.gemm = gemm;
        this.timer = timer;
    }

    void run(IntLinear weight, long x, int xStride, long out, int outStride, DType outType, int rows) {
        int padded = ShapeProducts.paddedRows(rows);
        if (byRows.length <= padded) {
            byRows = Arrays.copyOf(byRows, padded + 1);
        }
        Choice choice = byRows[padded];
        if (choice == null) {
            choice = choose(weight, x, xStride, out, outStride, outType, rows, padded);
            byRows[padded] = choice;
        }
        run(choice, weight, x, xStride, out, outStride, outType, rows);
    }

    private void run(
            Choice choice, IntLinear weight, long x, int xStride, long out, int outStride, DType outType, int rows) {
        if (choice.tile != null) {
            gemm.run(choice.tile, weight.matrix(), weight.bias(), x, xStride, out, outStride, outType, rows);
        } else if (choice == GEMV) {
            gemv.run(weight.matrix(), weight.bias(), x, xStride, out, outStride, outType, rows);
        } else {
            weight.multiplyPieces(x, xStride, out, outStride, outType, rows);
        }
    }

    private Choice choose(
            IntLinear weight, long x, int xStride, long out, int outStride, DType outType, int rows, int padded) {
        List<Choice> candidates = candidates(weight.matrix(), xStride, padded);
        boolean measured = padded <= MAX_MEASURED_ROWS || Integer.bitCount(padded) == 1;
        if (candidates.size() == 1) {
            return candidates.get(0);
        }
        if (!measured || !timer.isAllowed()) {
            return padded >= MANY_ROWS ? EXPANDED : candidates.get(0);
        }
        Choice best = candidates.get(0);
        double bestMicros = Double.POSITIVE_INFINITY;
        for (Choice candidate : candidates) {
            double micros = timer.micros(() -> run(candidate, weight, x, xStride, out, outStride, outType, rows));
            if (micros < bestMicros) {
                bestMicros = micros;
                best = candidate;
            }
        }
        return best;
    }

    /** Unmeasured the first is taken; at few rows only reading the codes once is worth a thought. */
    private List<Choice> candidates(IntMatrix matrix, int xStride, int rows) {
        List<Choice> candidates = new ArrayList<>();
        if (gemv.fits(matrix, xStride, rows)) {
            candidates.add(GEMV);
        }
        for (Tile tile : Tile.values()) {
            if (tile.suits(rows) && gemm.fits(matrix, tile, xStride)) {
                candidates.add(new Choice(tile.name().toLowerCase(Locale.ROOT), tile));
            }
        }
        if (rows > IntGemv.MAX_ROWS || candidates.isEmpty()) {
            candidates.add(EXPANDED);
        }
        return candidates;
    }

    String describe(int rows) {
        int padded = ShapeProducts.paddedRows(rows);
        Choice choice = padded < byRows.length ? byRows[padded] : null;
        return choice == null ? "not used yet" : choice.name();
    }
}
