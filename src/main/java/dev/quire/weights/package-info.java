/**
 * What does the checkpoint contain, and how is it quantized?
 *
 * <p>May use: {@code tensor}. Thread: any; everything handed out is immutable. Start with
 * {@link dev.quire.weights.ModelLocation} and {@link dev.quire.weights.Checkpoint}.
 */
@NullMarked
package dev.quire.weights;

import org.jspecify.annotations.NullMarked;
