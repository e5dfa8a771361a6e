package dev.quire.weights.quant;

import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.QuantizedMatrix;

/**
 * A quantized layer as a checkpoint has it.
 *
 * @param activations how the layer rounds its input
 */
public record QuantizedLinear(QuantizedMatrix matrix, ActivationScheme activations) {}
