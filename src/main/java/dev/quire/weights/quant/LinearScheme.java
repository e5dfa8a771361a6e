package dev.quire.weights.quant;

import dev.quire.weights.Checkpoint;

/** How the tensors of one quantized layer lie in a checkpoint. */
public sealed interface LinearScheme permits WeightScheme, ByteScheme, GptqScheme, AwqScheme {
    /**
     * The layer's matrix and the rounding of its input.
     *
     * @param prefix the layer's name in the checkpoint
     * @param numRows outputs
     * @param numCols inputs
     * @throws dev.quire.weights.CheckpointException naming the tensor that is missing or contradicts the scheme
     */
    QuantizedLinear load(Checkpoint checkpoint, String prefix, int numRows, int numCols);
}
