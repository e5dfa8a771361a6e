package dev.quire.kernel.cuda;

import dev.quire.tensor.DType;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What computes products with matrices of integers of one shape and form, for each padded number of rows. */
final class IntProducts {
    private enum Choice {
        /** Reads the codes. */
        GEMV,
        /** Makes bf16 of the matrix first. */
        EXPANDED
    }

    private final IntGemv gemv;
    private @Nullable Choice[] byRows = {};

    IntProducts(IntGemv gemv) {
        this.gemv = gemv;
    }

    void run(IntLinear weight, long x, int xStride, long out, int outStride, DType outType, int rows) {
        int padded = ShapeProducts.paddedRows(rows);
        if (byRows.length <= padded) {
            byRows = Arrays.copyOf(byRows, padded + 1);
        }
        Choice choice = byRows[padded];
        if (choice == null) {
            choice = gemv.fits(weight.matrix(), xStride, padded) ? Choice.GEMV : Choice.EXPANDED;
            byRows[padded] = choice;
        }
        switch (choice) {
            case GEMV -> gemv.run(weight.matrix(), weight.bias(), x, xStride, out, outStride, outType, rows);
            case EXPANDED -> weight.multiplyPieces(x, xStride, out, outStride, outType, rows);
        }
    }

    String describe(int rows) {
        int padded = ShapeProducts.paddedRows(rows);
        Choice choice = padded < byRows.length ? byRows[padded] : null;
        return choice == null ? "not used yet" : choice.name().toLowerCase(Locale.ROOT);
    }
}
