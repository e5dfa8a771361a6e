package dev.quire.model;

import dev.quire.kernel.Backend;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Shape;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.CheckpointException;
import dev.quire.weights.ConfigJson;
import dev.quire.weights.quant.PackedWeight;
import dev.quire.weights.quant.QuantizationConfig;
import dev.quire.weights.quant.WeightScheme;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The dense decoder's matrices as the checkpoint stores them, found and checked by name and shape, not yet on a device:
 * enough to say how many bytes a backend will need.
 *
 * @param embedding [vocabSize, hiddenSize]
 * @param finalNorm [hiddenSize]
 * @param output [vocabSize, hiddenSize]; null when tied
 */
public record DecoderWeights(
        HostTensor embedding,
        List<Layer> layers,
        HostTensor finalNorm,
        @Nullable LinearWeight output) {

    /** One layer's matrices. */
    public record Layer(
            HostTensor inputNorm,
            LinearWeight qkv,
            LinearWeight attentionOutput,
            HostTensor mlpNorm,
            LinearWeight gateUp,
            LinearWeight down) {}

    /** Finds all matrices; throws {@link dev.quire.weights.CheckpointException} naming file and tensor. */
    public static DecoderWeights find(Checkpoint checkpoint, ConfigJson json, ModelConfig config) {
        return new Finder(checkpoint, config, QuantizationConfig.from(json)).find();
    }

    /** Bytes the backend will keep resident. */
    public long residentBytes(Backend backend) {
        long bytes = embedding.sizeBytes() + finalNorm.numElements() * Float.BYTES;
        for (Layer layer : layers) {
            bytes += (layer.inputNorm.numElements() + layer.mlpNorm.numElements()) * Float.BYTES;
            for (LinearWeight weight : List.of(layer.qkv, layer.attentionOutput, layer.gateUp, layer.down)) {
                bytes += backend.gemm().residentBytes(weight);
            }
        }
        return output == null ? bytes : bytes + backend.gemm().residentBytes(output);
    }

    private record Finder(Checkpoint checkpoint, ModelConfig config, Optional<QuantizationConfig> quantization) {
        DecoderWeights find() {
            List<Layer> layers = new ArrayList<>();
            for (int i = 0; i < config.numLayers(); i++) {
                layers.add(layer("model.layers." + i + "."));
            }
            int hidden = config.hiddenSize();
            HostTensor embedding = tensor("model.embed_tokens.weight", config.vocabSize(), hidden);
            LinearWeight output = config.tiedEmbeddings() ? null : linear("lm_head", config.vocabSize(), hidden, false);
            return new DecoderWeights(embedding, layers, tensor("model.norm.weight", hidden), output);
        }

        private Layer layer(String prefix) {
            int hidden = config.hiddenSize();
            int ffn = config.ffnSize();
            String attention = prefix + "self_attn.";
            String mlp = prefix + "mlp.";
            LinearWeight qkv = stacked(
                    attention + "qkv_proj",
                    linear(attention + "q_proj", config.queryWidth(), hidden, config.qkvBias()),
                    linear(attention + "k_proj", config.keyWidth(), hidden, config.qkvBias()),
                    linear(attention + "v_proj", config.keyWidth(), hidden, config.qkvBias()));
            LinearWeight gateUp = stacked(
                    mlp + "gate_up_proj",
                    linear(mlp + "gate_proj", ffn, hidden, config.mlpBias()),
                    linear(mlp + "up_proj", ffn, hidden, config.mlpBias()));
            return new Layer(
                    tensor(prefix + "input_layernorm.weight", hidden),
                    qkv,
                    linear(attention + "o_proj", hidden, config.queryWidth(), config.outputBias()),
                    tensor(prefix + "post_attention_layernorm.weight", hidden),
                    gateUp,
                    linear(mlp + "down_proj", hidden, ffn, config.mlpBias()));
        }

        private static LinearWeight stacked(String name, LinearWeight... parts) {
            return new LinearWeight.Stacked(name, List.of(parts));
        }

        private LinearWeight linear(String name, int out, int in, boolean hasBias) {
            HostTensor bias = hasBias ? tensor(name + ".bias", out) : null;
            Optional<WeightScheme> scheme = quantization.flatMap(q -> q.schemeOf(name));
            if (scheme.isEmpty()) {
                return new LinearWeight.Dense(name, tensor(name + ".weight", out, in), bias);
            }
            PackedWeight packed = PackedWeight.load(checkpoint, name, scheme.get(), out, in);
            if (packed.groupIndex() != null) {
                throw CheckpointException.ofTensor(
                        checkpoint.files().location(), name, "is quantized with reordered groups: not supported yet");
            }
            int groupSize = scheme.get().groupSize() > 0 ? scheme.get().groupSize() : in;
            return new LinearWeight.GroupQuantized(
                    name,
                    out,
                    in,
                    scheme.get().numBits(),
                    groupSize,
                    packed.packed(),
                    packed.scale(),
                    packed.zeroPoint(),
                    bias);
        }

        private HostTensor tensor(String name, long... dims) {
            DType preferred = config.dtype();
            return checkpoint.tensor(name, Shape.of(dims), preferred);
        }
    }
}
