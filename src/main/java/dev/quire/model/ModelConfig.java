package dev.quire.model;

import dev.quire.kernel.ActivationKernels.Gate;
import dev.quire.tensor.DType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The switches of the dense decoder, as one architecture sets them.
 *
 * @param architecture the class name in config.json
 * @param dtype type of the unquantized weights
 * @param maxPositions longest context the positions were made for
 * @param layers what differs from layer to layer, first layer first
 * @param normEpsilon of all norms
 * @param tiedEmbeddings the output projection is the embedding matrix
 */
public record ModelConfig(
        String architecture,
        DType dtype,
        int vocabSize,
        int hiddenSize,
        int ffnSize,
        int maxPositions,
        Heads heads,
        Attention attention,
        List<LayerKind> layers,
        Bias bias,
        Scales scales,
        Gate gate,
        float normEpsilon,
        boolean tiedEmbeddings,
        WeightNames names) {

    public ModelConfig {
        layers = List.copyOf(layers);
    }

    /**
     * @param numHeads query heads; a multiple of {@code numKvHeads}
     * @param headDim width of a head; numHeads × headDim need not be hiddenSize
     */
    public record Heads(int numHeads, int numKvHeads, int headDim) {
        /** Columns of q in the packed projection. */
        public int queryWidth() {
            return numHeads * headDim;
        }

        /** Columns of k, and of v. */
        public int keyWidth() {
            return numKvHeads * headDim;
        }

        /** Columns of the packed projection. */
        public int packedWidth() {
            return queryWidth() + 2 * keyWidth();
        }
    }

    /**
     * What the attention of all layers has in common.
     *
     * @param scale multiplies q·k
     * @param softCap cap · tanh(s / cap) on scores; 0 is off
     * @param sinks each head has a learned logit that joins the softmax's denominator
     */
    public record Attention(float scale, float softCap, boolean sinks, QkNorm qkNorm) {}

    /** RMS normalisation of q and k before the rotation. */
    public enum QkNorm {
        NONE,
        /** Each head by itself, with one weight of headDim for all. */
        HEAD,
        /** All heads together, with a weight of their whole width. */
        FULL
    }

    /**
     * The attention of one layer.
     *
     * @param slidingWindow a token sees so many last tokens, itself included; 0 is off
     * @param rope null: q and k have no positions
     */
    public record LayerKind(int slidingWindow, @Nullable RopeSpec rope) {}

    /** Which projections have a bias: q, k and v; the attention's output; all of the MLP. */
    public record Bias(boolean qkv, boolean output, boolean mlp) {}

    /**
     * @param embedding multiplies embeddings
     * @param residual multiplies what a block adds to the residual stream
     * @param logits multiplies logits
     * @param logitSoftCap cap · tanh(x / cap) on logits; 0 is off
     */
    public record Scales(float embedding, float residual, float logits, float logitSoftCap) {}

    public int numLayers() {
        return layers.size();
    }

    public int numHeads() {
        return heads.numHeads;
    }

    public int numKvHeads() {
        return heads.numKvHeads;
    }

    public int headDim() {
        return heads.headDim;
    }

    public int queryWidth() {
        return heads.queryWidth();
    }

    public int keyWidth() {
        return heads.keyWidth();
    }
}
