package dev.quire.model;

import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import dev.quire.tensor.Shape;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.CheckpointException;
import dev.quire.weights.ConfigJson;
import dev.quire.weights.quant.PackedWeight;
import dev.quire.weights.quant.QuantizationConfig;
import dev.quire.weights.quant.WeightScheme;
import java.util.Optional;

/** Finds the matrices of linear layers in a checkpoint, plain or quantized, by name and shape. */
final class CheckpointLinears {
    private final Checkpoint checkpoint;
    private final DType dtype;
    private final Optional<QuantizationConfig> quantization;

    /** @param dtype type of the unquantized weights */
    CheckpointLinears(Checkpoint checkpoint, ConfigJson json, DType dtype) {
        this.checkpoint = checkpoint;
        this.dtype = dtype;
        quantization = QuantizationConfig.from(json);
    }

    /**
     * The matrix [out, in] of a layer.
     *
     * @param name the layer's name in the checkpoint, such as {@code model.layers.0.mlp.down_proj}
     * @throws CheckpointException naming file and tensor, when it is missing or has another shape
     */
    LinearWeight find(String name, int out, int in, boolean hasBias) {
        HostTensor bias = hasBias ? tensor(name + ".bias", out) : null;
        Optional<QuantizedMatrix> own = checkpoint.quantized(name, out, in);
        if (own.isPresent()) {
            return new LinearWeight.Quantized(name, own.get(), ActivationScheme.NONE, bias);
        }
        Optional<WeightScheme> scheme = quantization.flatMap(q -> q.schemeOf(name));
        if (scheme.isEmpty()) {
            return new LinearWeight.Dense(name, tensor(name + ".weight", out, in), bias);
        }
        PackedWeight packed = PackedWeight.load(checkpoint, name, scheme.get(), out, in);
        if (packed.groupIndex() != null) {
            throw CheckpointException.ofTensor(
                    checkpoint.files().location(), name, "is quantized with reordered groups: not supported yet");
        }
        return new LinearWeight.Quantized(name, packed, ActivationScheme.NONE, bias);
    }

    /** The embedding matrix [vocabSize, hidden]. */
    LinearWeight embedding(String name, int vocabSize, int hidden) {
        Optional<QuantizedMatrix> own = checkpoint.quantized(name, vocabSize, hidden);
        return own.isPresent()
                ? new LinearWeight.Quantized(name, own.get(), ActivationScheme.NONE, null)
                : new LinearWeight.Dense(name, tensor(name + ".weight", vocabSize, hidden), null);
    }

    private HostTensor tensor(String name, long... dims) {
        return checkpoint.tensor(name, Shape.of(dims), dtype);
    }
}
