package dev.quire.weights.quant;

import dev.quire.tensor.ActivationScheme;
import dev.quire.weights.Checkpoint;

/**
 * Integers packed along the inputs, inputs outermost: GPTQ. Inputs are not rounded.
 *
 * @param numBits 4 or 8
 * @param groupSize inputs that share a scale; 0 for all
 * @param symmetric whether the file says that all zero points are 2^(numBits-1)
 * @param reordered whether quantized in activation order ({@code desc_act})
 * @param zeroOffset what is added to a stored zero point: 1 in checkpoint_format gptq, 0 in gptq_v2
 */
public record GptqScheme(int numBits, int groupSize, boolean symmetric, boolean reordered, int zeroOffset)
        implements LinearScheme {
    @Override
    public QuantizedLinear load(Checkpoint checkpoint, String prefix, int numRows, int numCols) {
        LayerTensors tensors = new LayerTensors(checkpoint, prefix);
        return new QuantizedLinear(GptqWeight.load(tensors, this, numRows, numCols), ActivationScheme.NONE);
    }
}
