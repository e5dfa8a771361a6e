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
import dev.quire.weights.quant.LinearScheme;
import dev.quire.weights.quant.QuantizationConfig;
import dev.quire.weights.quant.QuantizedLinear;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Finds the matrices of linear layers in a checkpoint, plain or quantized, by name and shape. */
final class CheckpointLinears {
    private static final List<DType> PLAIN = List.of(DType.F32, DType.BF16, DType.F16);
    private static final List<String> SCALES = List.of(".weight_scale", ".weight_scale_inv", ".scales");

    private final Checkpoint checkpoint;
    private final DType dtype;
    private final Optional<QuantizationConfig> quantization;

    /** @param dtype type of the unquantized weights */
    CheckpointLinears(Checkpoint checkpoint, ConfigJson json, DType dtype) {
        this.checkpoint = checkpoint;
        this.dtype = dtype;
        quantization = QuantizationConfig.from(checkpoint.files(), json);
    }

    /**
     * The matrix [out, in] of a layer.
     *
     * @param name the layer's name in the checkpoint, such as {@code model.layers.0.mlp.down_proj}
     * @throws CheckpointException naming file and tensor, when it is missing or has another shape
     */
    LinearWeight find(String name, int out, int in, boolean hasBias) {
        HostTensor bias = hasBias ? tensor(name + ".bias", out) : null;
        return matrix(name, quantization.flatMap(q -> q.schemeOf(name)), out, in, bias);
    }

    /** Whether the checkpoint has a matrix of this name, plain or packed. */
    boolean has(String name) {
        return checkpoint.has(name + ".weight") || checkpoint.has(name + ".weight_packed");
    }

    /** The embedding matrix [vocabSize, hidden]. */
    LinearWeight embedding(String name, int vocabSize, int hidden) {
        return matrix(name, quantization.flatMap(q -> q.embeddingSchemeOf(name)), vocabSize, hidden, null);
    }

    private LinearWeight matrix(
            String name, Optional<LinearScheme> scheme, int out, int in, @Nullable HostTensor bias) {
        Optional<QuantizedMatrix> own = checkpoint.quantized(name, out, in);
        if (own.isPresent()) {
            return new LinearWeight.Quantized(name, own.get(), ActivationScheme.NONE, bias);
        }
        if (scheme.isEmpty() || isPlain(name)) {
            return new LinearWeight.Dense(name, plain(name + ".weight", out, in), bias);
        }
        QuantizedLinear linear = scheme.get().load(checkpoint, name, out, in);
        return new LinearWeight.Quantized(name, linear.matrix(), linear.activations(), bias);
    }

    /** Writers leave out of their lists what they never touch, such as the output projection: the file decides. */
    private boolean isPlain(String name) {
        String weight = name + ".weight";
        if (!checkpoint.has(weight) || SCALES.stream().anyMatch(suffix -> checkpoint.has(name + suffix))) {
            return false;
        }
        return PLAIN.contains(checkpoint.tensor(weight).dtype());
    }

    /** A quantized matrix read as if it were plain would be noise. */
    private HostTensor plain(String name, int out, int in) {
        HostTensor tensor = tensor(name, out, in);
        if (!PLAIN.contains(tensor.dtype())) {
            throw CheckpointException.ofTensor(
                    checkpoint.files().location(),
                    name,
                    "has type " + tensor.dtype() + ", expected one of " + PLAIN + " for a layer that is not quantized");
        }
        return tensor;
    }

    private HostTensor tensor(String name, long... dims) {
        return checkpoint.tensor(name, Shape.of(dims), dtype);
    }
}
