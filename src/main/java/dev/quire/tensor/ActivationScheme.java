package dev.quire.tensor;

/**
 * How a quantized layer rounds its input before the product: to codes q with x ≈ (q − zero) · scale.
 *
 * @param kind what the input is rounded to
 * @param isDynamic the scale is made from the input of each row; else {@code scale} and {@code zeroPoint} are used
 * @param groupSize dynamic: columns of a row that share a scale, 0 for the whole row
 * @param isSymmetric dynamic INT8: the zero point is 0; else it is made from the row's minimum and maximum
 * @param scale static: of every input
 * @param zeroPoint static INT8: the code of 0
 */
public record ActivationScheme(
        Kind kind, boolean isDynamic, int groupSize, boolean isSymmetric, float scale, int zeroPoint) {
    /** What inputs are rounded to. */
    public enum Kind {
        /** Inputs are used as they are. */
        NONE,
        /** Integers −128 to 127; the symmetric dynamic scale is max |x| / 127. */
        INT8,
        /** {@link DType#F8_E4M3}, saturated at ±448; the dynamic scale is max |x| / 448. */
        E4M3
    }

    /** For weights alone quantized. */
    public static final ActivationScheme NONE = new ActivationScheme(Kind.NONE, false, 0, true, 1, 0);

    public ActivationScheme {
        if (groupSize < 0 || kind != Kind.NONE && !isDynamic && !(scale > 0 && scale < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("groupSize " + groupSize + ", scale " + scale);
        }
    }

    /** A scale for each row, or for each {@code groupSize} columns of a row when it is not 0. */
    public static ActivationScheme dynamic(Kind kind, int groupSize) {
        return new ActivationScheme(kind, true, groupSize, true, 1, 0);
    }

    /** One scale for all inputs, from the checkpoint. */
    public static ActivationScheme fixed(Kind kind, float scale, int zeroPoint) {
        return new ActivationScheme(kind, false, 0, zeroPoint == 0, scale, zeroPoint);
    }
}
