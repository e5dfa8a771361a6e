package dev.quire.weights.quant;

import dev.quire.tensor.QuantizedMatrix.Codes;
import dev.quire.weights.Checkpoint;

/**
 * One byte a weight, unpacked: compressed-tensors' {@code int-quantized}, {@code float-quantized} and {@code naive-quantized},
 * the native {@code fp8}.
 *
 * @param codes INT8 (signed in the file) or E4M3
 * @param scaleRows rows that share a scale; 0 for all
 * @param scaleCols columns that share a scale; 0 for all
 * @param symmetric whether there are no zero points; always so for E4M3
 * @param scaleSuffix the scales' tensor, such as {@code weight_scale}
 * @param input how inputs are rounded
 */
public record ByteScheme(
        Codes codes, int scaleRows, int scaleCols, boolean symmetric, String scaleSuffix, InputScheme input)
        implements LinearScheme {
    @Override
    public QuantizedLinear load(Checkpoint checkpoint, String prefix, int numRows, int numCols) {
        LayerTensors tensors = new LayerTensors(checkpoint, prefix);
        return new QuantizedLinear(ByteWeight.load(tensors, this, numRows, numCols), input.load(tensors));
    }
}
