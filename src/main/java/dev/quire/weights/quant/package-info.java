/**
 * How is a checkpoint quantized, and what does a packed weight mean?
 *
 * <p>May use: {@code tensor}, {@code weights}. Thread: any; everything is immutable. Start with
 * {@link dev.quire.weights.quant.QuantizationConfig}.
 */
@NullMarked
package dev.quire.weights.quant;

import org.jspecify.annotations.NullMarked;
