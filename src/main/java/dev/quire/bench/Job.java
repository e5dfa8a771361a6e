package dev.quire.bench;

import dev.quire.request.TokenIds;

/**
 * One request of a workload.
 *
 * @param prompt token ids
 * @param outputLen tokens to generate, no matter what the model says, ≥ 1
 */
public record Job(TokenIds prompt, int outputLen) {}
