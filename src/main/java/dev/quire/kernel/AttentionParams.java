package dev.quire.kernel;

import org.jspecify.annotations.Nullable;

/**
 * What is constant about the attention of one layer.
 *
 * @param numHeads query heads; a multiple of {@code numKvHeads}
 * @param scale multiplies q·k
 * @param slidingWindow a token sees this many last tokens, itself included; 0 is off
 * @param softCap cap · tanh(s / cap) on scores; 0 is off
 * @param sinks f32 [numHeads] extra logits in the softmax denominator, or null
 */
public record AttentionParams(
        int numHeads,
        int numKvHeads,
        int headDim,
        float scale,
        int slidingWindow,
        float softCap,
        float @Nullable [] sinks) {}
