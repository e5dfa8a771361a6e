package dev.quire.model;

import dev.quire.kernel.Backend;
import dev.quire.kernel.LinearWeight;
import dev.quire.model.ModelConfig.Heads;
import dev.quire.model.ModelConfig.QkNorm;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Shape;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.ConfigJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
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
    private static final String EMBEDDING = "embed_tokens";

    /**
     * One layer's matrices; what the model does without is null.
     *
     * @param attentionInputNorm [hiddenSize], as all norms but those of q and k
     * @param queryNorm [headDim], or [heads · headDim]
     * @param sinks [heads]
     */
    public record Layer(
            @Nullable HostTensor attentionInputNorm,
            LinearWeight qkv,
            @Nullable HostTensor queryNorm,
            @Nullable HostTensor keyNorm,
            @Nullable HostTensor sinks,
            LinearWeight attentionOutput,
            @Nullable HostTensor attentionOutputNorm,
            @Nullable HostTensor mlpInputNorm,
            LinearWeight gateUp,
            LinearWeight down,
            @Nullable HostTensor mlpOutputNorm) {

        /** What is kept as f32 vectors. */
        Stream<HostTensor> vectors() {
            return Stream.of(attentionInputNorm, queryNorm, keyNorm, attentionOutputNorm, mlpInputNorm, mlpOutputNorm)
                    .filter(Objects::nonNull);
        }
    }

    /** Finds all matrices; throws {@link dev.quire.weights.CheckpointException} naming file and tensor. */
    public static DecoderWeights find(Checkpoint checkpoint, ConfigJson json, ModelConfig config) {
        CheckpointLinears linears = new CheckpointLinears(checkpoint, json, config.dtype());
        return new Finder(checkpoint, config, config.names(), linears).find();
    }

    /** Bytes the backend will keep resident. */
    public long residentBytes(Backend backend) {
        long bytes = backend.gemm().residentBytes(embedding) + finalNorm.numElements() * Float.BYTES;
        for (Layer layer : layers) {
            bytes += layer.vectors().mapToLong(HostTensor::numElements).sum() * Float.BYTES;
            for (LinearWeight weight : List.of(layer.qkv, layer.attentionOutput, layer.gateUp, layer.down)) {
                bytes += backend.gemm().residentBytes(weight);
            }
        }
        return output == null ? bytes : bytes + backend.gemm().residentBytes(output);
    }

    /** All that the backend's products and embeddings will be given. */
    public List<LinearWeight> matrices() {
        List<LinearWeight> matrices = new ArrayList<>(List.of(embedding));
        for (Layer layer : layers) {
            matrices.addAll(List.of(layer.qkv, layer.attentionOutput, layer.gateUp, layer.down));
        }
        if (output != null) {
            matrices.add(output);
        }
        return matrices;
    }

    private record Finder(Checkpoint checkpoint, ModelConfig config, WeightNames names, CheckpointLinears linears) {
        DecoderWeights find() {
            WeightNames.Root root = root();
            List<Layer> layers = new ArrayList<>();
            for (int i = 0; i < config.numLayers(); i++) {
                layers.add(layer(root.decoder() + "layers." + i + "."));
            }
            int hidden = config.hiddenSize();
            LinearWeight embedding = linears.embedding(root.decoder() + EMBEDDING, config.vocabSize(), hidden);
            LinearWeight output =
                    config.tiedEmbeddings() ? null : linear(root.output(), config.vocabSize(), hidden, false);
            return new DecoderWeights(embedding, layers, tensor(root.decoder() + "norm.weight", hidden), output);
        }

        /** The first that the checkpoint has, else the usual one. */
        private WeightNames.Root root() {
            for (WeightNames.Root root : names.roots()) {
                if (linears.has(root.decoder() + EMBEDDING)) {
                    return root;
                }
            }
            return names.roots().get(0);
        }

        private Layer layer(String prefix) {
            int hidden = config.hiddenSize();
            Heads heads = config.heads();
            String attention = prefix + "self_attn.";
            return new Layer(
                    norm(prefix, names.norms().attentionInput()),
                    qkv(attention),
                    qkNorm(attention + "q_norm.weight", heads.queryWidth()),
                    qkNorm(attention + "k_norm.weight", heads.keyWidth()),
                    config.attention().sinks() ? tensor(attention + "sinks", heads.numHeads()) : null,
                    linear(
                            attention + "o_proj",
                            hidden,
                            heads.queryWidth(),
                            config.bias().output()),
                    norm(prefix, names.norms().attentionOutput()),
                    norm(prefix, names.norms().mlpInput()),
                    gateUp(prefix),
                    linear(
                            prefix + names.down(),
                            hidden,
                            config.ffnSize(),
                            config.bias().mlp()),
                    norm(prefix, names.norms().mlpOutput()));
        }

        private @Nullable HostTensor norm(String prefix, @Nullable String name) {
            return name == null ? null : tensor(prefix + name + ".weight", config.hiddenSize());
        }

        private @Nullable HostTensor qkNorm(String name, int width) {
            QkNorm kind = config.attention().qkNorm();
            return kind == QkNorm.NONE ? null : tensor(name, kind == QkNorm.HEAD ? config.headDim() : width);
        }

        private LinearWeight qkv(String attention) {
            int hidden = config.hiddenSize();
            Heads heads = config.heads();
            boolean bias = config.bias().qkv();
            if (names.fusedQkv()) {
                return linear(attention + "qkv_proj", heads.packedWidth(), hidden, bias);
            }
            return stacked(
                    attention + "qkv_proj",
                    linear(attention + "q_proj", heads.queryWidth(), hidden, bias),
                    linear(attention + "k_proj", heads.keyWidth(), hidden, bias),
                    linear(attention + "v_proj", heads.keyWidth(), hidden, bias));
        }

        private LinearWeight gateUp(String prefix) {
            int hidden = config.hiddenSize();
            int ffn = config.ffnSize();
            boolean bias = config.bias().mlp();
            if (names.fusedGateUp() != null) {
                return linear(prefix + names.fusedGateUp(), 2 * ffn, hidden, bias);
            }
            return stacked(
                    prefix + WeightNames.GATE_UP,
                    linear(prefix + "mlp.gate_proj", ffn, hidden, bias),
                    linear(prefix + "mlp.up_proj", ffn, hidden, bias));
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
