package dev.quire.weights.quant;

import dev.quire.tensor.ActivationScheme;
import dev.quire.weights.Checkpoint;

/**
 * 4-bit integers packed along the outputs, inputs outermost: AWQ, version gemm. Inputs are not rounded.
 *
 * @param groupSize inputs that share a scale; 0 for all
 */
public record AwqScheme(int groupSize) implements LinearScheme {
    @Override
    public QuantizedLinear load(Checkpoint checkpoint, String prefix, int numRows, int numCols) {
        LayerTensors tensors = new LayerTensors(checkpoint, prefix);
        return new QuantizedLinear(AwqWeight.load(tensors, this, numRows, numCols), ActivationScheme.NONE);
    }
}
