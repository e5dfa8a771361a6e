package dev.quire.model;

import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.Backend;
import dev.quire.kernel.EmbeddingTable;
import dev.quire.kernel.Linear;
import dev.quire.kernel.PagedKvCache;
import dev.quire.kernel.RopeKernels.Rope;
import dev.quire.model.ModelConfig.QkNorm;
import dev.quire.tensor.Arena;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A decoder: h += attention(norm(h)); h += mlp(norm(h)); logits = output(norm(h)). Norms may also stand behind the blocks,
 * or only there; which of its switches are on, {@link ModelConfig} says. A switch that is off costs no kernel.
 */
public final class DenseDecoder implements CausalLm {
    private final ModelConfig config;
    private final Backend backend;
    private final Arena arena;
    private final DecoderBuffers buffers;
    private final EmbeddingTable embedding;
    private final DecoderLayer[] layers;
    private final Tensor finalNorm;
    private final Linear output;

    private DenseDecoder(
            Backend backend, ModelConfig config, DecoderWeights weights, Limits limits, IntConsumer loaded) {
        this.config = config;
        this.backend = backend;
        arena = backend.newArena();
        embedding = backend.embedding().load(weights.embedding());
        DecoderLayer.Loader loader = new DecoderLayer.Loader(backend, arena, config, limits.maxModelLen());
        List<DecoderLayer> list = new ArrayList<>();
        for (DecoderWeights.Layer w : weights.layers()) {
            list.add(loader.load(w, config.layers().get(list.size())));
            loaded.accept(list.size());
        }
        layers = list.toArray(new DecoderLayer[0]);
        // The output projection is linear: scaling what goes in spares a kernel over all logits.
        finalNorm = loader.norm(weights.finalNorm(), config.scales().logits());
        output = weights.output() == null
                ? backend.gemm().tied(embedding)
                : backend.gemm().load(weights.output());
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

    @Override
    public int vocabSize() {
        return config.vocabSize();
    }

    @Override
    public long weightBytesPerStep() {
        long bytes = output.weightBytes();
        for (DecoderLayer layer : layers) {
            bytes += layer.weightBytes();
        }
        return bytes;
    }

    @Override
    public void forward(int[] tokenIds, AttentionMetadata metadata, PagedKvCache cache) {
        DecoderBuffers b = buffers;
        int rows = metadata.numTokens;
        backend.embedding()
                .lookup(b.residual(), embedding, tokenIds, rows, config.scales().embedding());
        for (int i = 0; i < layers.length; i++) {
            DecoderLayer layer = layers[i];
            nextInput(i > 0 ? b.hidden() : null, layer.attentionInputNorm(), rows);
            attend(layer, i, metadata, cache, rows);
            normOutput(layer.attentionOutputNorm(), rows);
            nextInput(b.hidden(), layer.mlpInputNorm(), rows);
            backend.gemm().matmul(b.gateUp(), b.hidden(), layer.gateUp(), rows);
            backend.activation().gatedMultiply(b.activated(), b.gateUp(), config.gate(), config.ffnSize(), rows);
            backend.gemm().matmul(b.hidden(), b.activated(), layer.down(), rows);
            normOutput(layer.mlpOutputNorm(), rows);
        }
    }

    /** residual += the block before, if any; hidden = norm(residual), or the residual itself without a norm. */
    private void nextInput(@Nullable Tensor delta, @Nullable Tensor norm, int rows) {
        DecoderBuffers b = buffers;
        float scale = config.scales().residual();
        if (norm == null) {
            backend.norm().add(b.hidden(), b.residual(), delta, scale, rows);
        } else if (delta == null) {
            backend.norm().rmsNorm(b.hidden(), b.residual(), norm, config.normEpsilon(), rows);
        } else {
            backend.norm().addRmsNorm(b.hidden(), b.residual(), delta, scale, norm, config.normEpsilon(), rows);
        }
    }

    /** hidden = norm(hidden), where there is a norm behind the block. */
    private void normOutput(@Nullable Tensor norm, int rows) {
        if (norm != null) {
            backend.norm().rmsNormHeads(buffers.hidden(), 0, 1, config.hiddenSize(), norm, config.normEpsilon(), rows);
        }
    }

    private void attend(DecoderLayer layer, int index, AttentionMetadata metadata, PagedKvCache cache, int rows) {
        DecoderBuffers b = buffers;
        backend.gemm().matmul(b.qkv(), b.hidden(), layer.qkv(), rows);
        normHeads(layer.queryNorm(), 0, config.numHeads(), rows);
        normHeads(layer.keyNorm(), config.queryWidth(), config.numKvHeads(), rows);
        if (layer.queryRope() == null) {
            backend.rotateAndWrite(cache, index, b.qkv(), config.numHeads(), layer.rope(), metadata);
        } else {
            rotateApart(layer, layer.queryRope(), index, metadata, cache);
        }
        backend.attention().attend(b.attention(), b.qkv(), cache, index, layer.attention(), metadata);
        backend.gemm().matmul(b.hidden(), b.attention(), layer.attentionOutput(), rows);
    }

    private void normHeads(@Nullable Tensor norm, int column, int numHeads, int rows) {
        if (norm == null) {
            return;
        }
        boolean whole = config.attention().qkNorm() == QkNorm.FULL;
        int width = whole ? numHeads * config.headDim() : config.headDim();
        backend.norm()
                .rmsNormHeads(buffers.qkv(), column, whole ? 1 : numHeads, width, norm, config.normEpsilon(), rows);
    }

    /** q by a table of its own. */
    private void rotateApart(
            DecoderLayer layer, Rope queryRope, int index, AttentionMetadata metadata, PagedKvCache cache) {
        Tensor qkv = buffers.qkv();
        int headDim = config.headDim();
        int keyColumn = config.queryWidth();
        int rows = metadata.numTokens;
        backend.rope().rotate(qkv, 0, config.numHeads(), headDim, queryRope, metadata.positions, rows);
        backend.rope().rotate(qkv, keyColumn, config.numKvHeads(), headDim, layer.rope(), metadata.positions, rows);
        backend.kvCache().write(cache, index, qkv, keyColumn, keyColumn + config.keyWidth(), metadata);
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
                        config.scales().residual(),
                        finalNorm,
                        config.normEpsilon(),
                        numRows);
        backend.gemm().matmul(b.logits(), b.sampledHidden(), output, numRows);
        if (config.scales().logitSoftCap() > 0) {
            backend.activation().softCap(b.logits(), config.scales().logitSoftCap(), numRows);
        }
        return b.logits();
    }

    @Override
    public void close() {
        arena.close();
    }
}
