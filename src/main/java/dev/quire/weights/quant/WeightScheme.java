package dev.quire.weights.quant;

import dev.quire.tensor.ActivationScheme;
import dev.quire.weights.Checkpoint;

/**
 * Integers packed along the inputs: compressed-tensors' {@code pack-quantized}. Inputs are not rounded.
 *
 * @param numBits bits per weight, 4 or 8
 * @param groupSize columns that share a scale; 0 when a whole row does (strategy channel)
 * @param symmetric whether there are no zero points
 * @param groupIndexed whether a {@code weight_g_idx} says which group a column is in (activation order "group")
 */
public record WeightScheme(int numBits, int groupSize, boolean symmetric, boolean groupIndexed)
        implements LinearScheme {
    /** Throws IllegalArgumentException on other bit widths and negative groups. */
    public WeightScheme {
        if (numBits != 4 && numBits != 8 || groupSize < 0) {
            throw new IllegalArgumentException("numBits " + numBits + ", groupSize " + groupSize);
        }
    }

    @Override
    public QuantizedLinear load(Checkpoint checkpoint, String prefix, int numRows, int numCols) {
        return new QuantizedLinear(
                PackedWeight.load(checkpoint, prefix, this, numRows, numCols), ActivationScheme.NONE);
    }

    /** Number of scales per row of {@code numColumns} columns. */
    public int numGroups(int numColumns) {
        return groupSize == 0 ? 1 : (numColumns + groupSize - 1) / groupSize;
    }

    /** Number of 32-bit words that hold {@code count} values. */
    public int numWords(int count) {
        return (int) (((long) count * numBits + 31) / 32);
    }
}
