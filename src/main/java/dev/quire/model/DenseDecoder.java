package dev.quire.model;

import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.AttentionParams;
import dev.quire.kernel.Backend;
import dev.quire.kernel.EmbeddingTable;
import dev.quire.kernel.Linear;
import dev.quire.kernel.PagedKvCache;
import dev.quire.kernel.RopeKernels.Rope;
import dev.quire.tensor.Arena;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * A pre-norm decoder: h += attention(norm(h)); h += mlp(norm(h)); logits = output(norm(h)). Which of its switches are
 * on, {@link ModelConfig} says.
 */
public final class DenseDecoder implements CausalLm {
    private record Layer(
            Tensor inputNorm, Linear qkv, Linear attentionOutput, Tensor mlpNorm, Linear gateUp, Linear down) {}

    private final ModelConfig config;
    private final Backend backend;
    private final Arena arena;
    private final DecoderBuffers buffers;
    private final EmbeddingTable embedding;
    private final Layer[] layers;
    private final Tensor finalNorm;
    private final Linear output;
    private final Rope rope;
    private final AttentionParams attention;

    private DenseDecoder(
            Backend backend, ModelConfig config, DecoderWeights weights, Limits limits, IntConsumer loaded) {
        this.config = config;
        this.backend = backend;
        arena = backend.newArena();
        embedding = backend.embedding().load(weights.embedding());
        List<Layer> list = new ArrayList<>();
        for (DecoderWeights.Layer w : weights.layers()) {
            list.add(new Layer(
                    vector(w.inputNorm()),
                    backend.gemm().load(w.qkv()),
                    backend.gemm().load(w.attentionOutput()),
                    vector(w.mlpNorm()),
                    backend.gemm().load(w.gateUp()),
                    backend.gemm().load(w.down())));
            loaded.accept(list.size());
        }
        layers = list.toArray(new Layer[0]);
        finalNorm = vector(weights.finalNorm());
        output = weights.output() == null
                ? backend.gemm().tied(embedding)
                : backend.gemm().load(weights.output());
        rope = backend.rope().load(config.rope(), limits.maxModelLen());
        attention = new AttentionParams(
                config.numHeads(),
                config.numKvHeads(),
                config.headDim(),
                config.attentionScale(),
                config.slidingWindow(),
                0f,
                null);
        backend.attention().announce(attention);
        buffers = DecoderBuffers.allocate(backend, arena, config, limits.maxNumTokens(), limits.maxLogitRows());
        // Uploads may still be under way, and the checkpoint may be closed when this returns.
        backend.synchronize();
    }

    /**
     * Sizes of the largest step.
     *
     * @param maxNumTokens rows of one step
     * @param maxLogitRows rows of one {@link #logits} call
     * @param maxModelLen positions of one sequence
     */
    public record Limits(int maxNumTokens, int maxLogitRows, int maxModelLen) {}

    /**
     * Takes the weights to the device.
     *
     * @param loaded hears the number of layers loaded so far
     */
    public static DenseDecoder load(
            Backend backend, ModelConfig config, DecoderWeights weights, Limits limits, IntConsumer loaded) {
        return new DenseDecoder(backend, config, weights, limits, loaded);
    }

    /** Bytes of activations and scratch that {@link #load} will take for these limits. */
    public static long scratchBytes(Backend backend, ModelConfig config, Limits limits) {
        return DecoderBuffers.bytes(backend, config, limits.maxNumTokens(), limits.maxLogitRows());
    }

    private Tensor vector(HostTensor host) {
        Tensor tensor = arena.allocate(host.name(), DType.F32, host.numElements());
        backend.upload(host, tensor);
        return tensor;
    }

    @Override
    public int vocabSize() {
        return config.vocabSize();
    }

    @Override
    public long weightBytesPerStep() {
        long bytes = output.weightBytes();
        for (Layer layer : layers) {
            bytes += layer.qkv.weightBytes()
                    + layer.attentionOutput.weightBytes()
                    + layer.gateUp.weightBytes()
                    + layer.down.weightBytes();
        }
        return bytes;
    }

    @Override
    public void forward(int[] tokenIds, AttentionMetadata metadata, PagedKvCache cache) {
        DecoderBuffers b = buffers;
        int rows = metadata.numTokens;
        backend.embedding().lookup(b.residual(), embedding, tokenIds, rows, config.embeddingScale());
        backend.norm().rmsNorm(b.hidden(), b.residual(), layers[0].inputNorm, config.rmsNormEpsilon(), rows);
        for (int i = 0; i < layers.length; i++) {
            Layer layer = layers[i];
            if (i > 0) {
                addNorm(layer.inputNorm, rows);
            }
            attend(layer, i, metadata, cache, rows);
            addNorm(layer.mlpNorm, rows);
            backend.gemm().matmul(b.gateUp(), b.hidden(), layer.gateUp, rows);
            backend.activation().gatedMultiply(b.activated(), b.gateUp(), config.gate(), config.ffnSize(), rows);
            backend.gemm().matmul(b.hidden(), b.activated(), layer.down, rows);
        }
    }

    /** residual += hidden; hidden = norm(residual). */
    private void addNorm(Tensor weight, int rows) {
        DecoderBuffers b = buffers;
        backend.norm()
                .addRmsNorm(
                        b.hidden(),
                        b.residual(),
                        b.hidden(),
                        config.residualScale(),
                        weight,
                        config.rmsNormEpsilon(),
                        rows);
    }

    private void attend(Layer layer, int index, AttentionMetadata metadata, PagedKvCache cache, int rows) {
        DecoderBuffers b = buffers;
        backend.gemm().matmul(b.qkv(), b.hidden(), layer.qkv, rows);
        backend.rotateAndWrite(cache, index, b.qkv(), config.numHeads(), rope, metadata);
        backend.attention().attend(b.attention(), b.qkv(), cache, index, attention, metadata);
        backend.gemm().matmul(b.hidden(), b.attention(), layer.attentionOutput, rows);
    }

    @Override
    public Tensor logits(int[] rows, int numRows) {
        DecoderBuffers b = buffers;
        backend.embedding().gatherRows(b.sampledResidual(), b.residual(), rows, numRows);
        backend.embedding().gatherRows(b.sampledHidden(), b.hidden(), rows, numRows);
        backend.norm()
                .addRmsNorm(
                        b.sampledHidden(),
                        b.sampledResidual(),
                        b.sampledHidden(),
                        config.residualScale(),
                        finalNorm,
                        config.rmsNormEpsilon(),
                        numRows);
        backend.gemm().matmul(b.logits(), b.sampledHidden(), output, numRows);
        return b.logits();
    }

    @Override
    public void close() {
        arena.close();
    }
}
