package dev.quire.model;

import dev.quire.kernel.ActivationKernels.Gate;
import dev.quire.kernel.RopeTable;
import dev.quire.tensor.DType;

/**
 * The switches of the dense decoder, as one architecture sets them.
 *
 * @param architecture the class name in config.json
 * @param dtype type of the unquantized weights
 * @param maxPositions longest context the positions were made for
 * @param headDim width of a head; numHeads × headDim need not be hiddenSize
 * @param rope rotary frequencies
 * @param attentionScale multiplies q·k
 * @param qkvBias q, k and v projections have a bias
 * @param outputBias the attention's output projection has a bias
 * @param mlpBias the MLP's projections have a bias
 * @param tiedEmbeddings the output projection is the embedding matrix
 * @param slidingWindow a token sees so many last tokens; 0 is off
 * @param embeddingScale multiplies embeddings
 * @param residualScale multiplies what a block adds to the residual stream
 */
public record ModelConfig(
        String architecture,
        DType dtype,
        int vocabSize,
        int hiddenSize,
        int ffnSize,
        int numLayers,
        int numHeads,
        int numKvHeads,
        int headDim,
        int maxPositions,
        float rmsNormEpsilon,
        Gate gate,
        RopeTable rope,
        float attentionScale,
        boolean qkvBias,
        boolean outputBias,
        boolean mlpBias,
        boolean tiedEmbeddings,
        int slidingWindow,
        float embeddingScale,
        float residualScale) {

    /** Columns of q in the packed projection. */
    public int queryWidth() {
        return numHeads * headDim;
    }

    /** Columns of k, and of v. */
    public int keyWidth() {
        return numKvHeads * headDim;
    }
}
