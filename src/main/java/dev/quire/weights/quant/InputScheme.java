package dev.quire.weights.quant;

import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.ActivationScheme.Kind;
import dev.quire.tensor.DType;

/**
 * How the layers of a scheme round their inputs; what is fixed is in each layer's {@code input_scale} and
 * {@code input_zero_point}.
 *
 * @param groupSize dynamic: columns of a row that share a scale, 0 for the whole row
 */
public record InputScheme(Kind kind, boolean isDynamic, int groupSize, boolean symmetric) {
    static final InputScheme NONE = new InputScheme(Kind.NONE, false, 0, true);

    /** Symmetric, with scales made from each row. */
    static InputScheme dynamic(Kind kind, int groupSize) {
        return new InputScheme(kind, true, groupSize, true);
    }

    /** The scheme of one layer. */
    ActivationScheme load(LayerTensors tensors) {
        if (kind == Kind.NONE) {
            return ActivationScheme.NONE;
        }
        if (isDynamic) {
            return new ActivationScheme(kind, true, groupSize, symmetric, 1, 0);
        }
        // transformers' own writer calls it so.
        String suffix = tensors.has("activation_scale") ? "activation_scale" : "input_scale";
        float scale = tensors.scale(suffix, kind == Kind.INT8 ? 0.05 : 0.02);
        int zeroPoint = symmetric ? 0 : tensors.integer("input_zero_point", DType.I8, 3);
        return ActivationScheme.fixed(kind, scale, zeroPoint);
    }
}
