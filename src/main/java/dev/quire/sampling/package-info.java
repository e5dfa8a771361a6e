/**
 * Logits to token ids: one set of sampling parameters a row, filled anew each step.
 *
 * <p>May use: request, tensor, kernel. Thread: engine. Start with {@link dev.quire.sampling.Sampler}.
 */
@NullMarked
package dev.quire.sampling;

import org.jspecify.annotations.NullMarked;
