package dev.quire.kernel.cpu;

import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.QuantizedMatrix;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How a matrix wants its input.
 *
 * @param columnOrder its column c multiplies input columnOrder[c]; null for the layer's own order
 * @param rounding applied to the input in the layer's order
 * @param factor power of two that multiplies it at last
 * @param groupCols columns of a group whose inputs it wants summed too; 0 for no sums
 */
record InputForm(int @Nullable [] columnOrder, ActivationScheme rounding, float factor, int groupCols) {
    /** Columns that one chain of multiply-adds takes; what larger groups are cut into. */
    static final int MAX_CHAIN_COLS = 128;

    /** As it is. */
    static final InputForm PLAIN = new InputForm(null, ActivationScheme.NONE, 1, 0);

    /** For a matrix that stays quantized. */
    static InputForm of(LinearWeight.Quantized weight) {
        QuantizedMatrix matrix = weight.matrix();
        int groupCols = Math.min(matrix.groupSize(), matrix.numCols());
        float factor = PanelCodes.of(matrix.codes()).inputFactor();
        return new InputForm(matrix.columnOrder(), weight.activations(), factor, groupCols);
    }

    /** Whether inputs are used where they are and as they are. */
    boolean isInPlace() {
        return columnOrder == null && !rounds() && factor == 1;
    }

    /** Chains that a row of {@code cols} inputs is cut into: groups, or parts of them. */
    int numChains(int cols) {
        return groupCols == 0 ? 0 : cols / groupCols * chains(groupCols) + chains(cols % groupCols);
    }

    private static int chains(int cols) {
        return (cols + MAX_CHAIN_COLS - 1) / MAX_CHAIN_COLS;
    }

    /** The chain that begins at column {@code col}. */
    int chain(int col) {
        return col / groupCols * chains(groupCols) + col % groupCols / MAX_CHAIN_COLS;
    }

    /** Columns of the chain that begins at {@code col} of {@code cols}. */
    int chainCols(int col, int cols) {
        return Math.min(Math.min(MAX_CHAIN_COLS, groupCols - col % groupCols), cols - col);
    }

    boolean rounds() {
        return rounding.kind() != ActivationScheme.Kind.NONE;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof InputForm form
                && groupCols == form.groupCols
                && factor == form.factor
                && Arrays.equals(columnOrder, form.columnOrder)
                && (rounding.equals(form.rounding) || !rounds() && !form.rounds());
    }

    @Override
    public int hashCode() {
        return (Arrays.hashCode(columnOrder) * 31 + groupCols) * 31
                + rounding.kind().ordinal();
    }
}
