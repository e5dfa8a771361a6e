/**
 * What does a GGUF file say in the words of a Hugging Face checkpoint: configuration, tokenizer, tensors?
 *
 * <p>May use: {@code tensor}, {@code weights}. Thread: any; everything is immutable. Start with
 * {@link dev.quire.weights.gguf.GgufFiles}.
 */
@NullMarked
package dev.quire.weights.gguf;

import org.jspecify.annotations.NullMarked;
