package dev.quire.kernel.cpu;

import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.ActivationScheme;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How a matrix wants its input.
 *
 * @param columnOrder its column c multiplies input columnOrder[c]; null for the layer's own order
 * @param rounding applied to the input in the layer's order
 */
record InputForm(int @Nullable [] columnOrder, ActivationScheme rounding) {
    /** As it is. */
    static final InputForm PLAIN = new InputForm(null, ActivationScheme.NONE);

    static InputForm of(LinearWeight.Leaf leaf) {
        return leaf instanceof LinearWeight.Quantized quantized
                ? new InputForm(quantized.matrix().columnOrder(), quantized.activations())
                : PLAIN;
    }

    boolean isPlain() {
        return columnOrder == null && !rounds();
    }

    boolean rounds() {
        return rounding.kind() != ActivationScheme.Kind.NONE;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof InputForm form
                && Arrays.equals(columnOrder, form.columnOrder)
                && (rounding.equals(form.rounding) || !rounds() && !form.rounds());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(columnOrder) * 31 + rounding.kind().ordinal();
    }
}
