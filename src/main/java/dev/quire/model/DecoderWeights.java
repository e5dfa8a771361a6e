package dev.quire.model;

import dev.quire.kernel.Backend;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Shape;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.ConfigJson;
import java.util.ArrayList;
import java.util.List;
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
        LinearWeight embedding,
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
        return new Finder(checkpoint, config, new CheckpointLinears(checkpoint, json, config.dtype())).find();
    }

    /** Bytes the backend will keep resident. */
    public long residentBytes(Backend backend) {
        long bytes = backend.gemm().residentBytes(embedding) + finalNorm.numElements() * Float.BYTES;
        for (Layer layer : layers) {
            bytes += (layer.inputNorm.numElements() + layer.mlpNorm.numElements()) * Float.BYTES;
            for (LinearWeight weight : List.of(layer.qkv, layer.attentionOutput, layer.gateUp, layer.down)) {
                bytes += backend.gemm().residentBytes(weight);
            }
        }
        return output == null ? bytes : bytes + backend.gemm().residentBytes(output);
    }

    private record Finder(Checkpoint checkpoint, ModelConfig config, CheckpointLinears linears) {
        DecoderWeights find() {
            List<Layer> layers = new ArrayList<>();
            for (int i = 0; i < config.numLayers(); i++) {
                layers.add(layer("model.layers." + i + "."));
            }
            int hidden = config.hiddenSize();
            LinearWeight embedding = linears.embedding("model.embed_tokens", config.vocabSize(), hidden);
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
            return linears.find(name, out, in, hasBias);
        }

        private HostTensor tensor(String name, long... dims) {
            DType preferred = config.dtype();
            return checkpoint.tensor(name, Shape.of(dims), preferred);
        }
    }
}
