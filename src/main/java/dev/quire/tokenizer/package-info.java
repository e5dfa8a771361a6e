/**
 * Text to ids and back.
 *
 * <p>May use: nothing. Thread: any for a {@link dev.quire.tokenizer.Tokenizer}; an {@link
 * dev.quire.tokenizer.IncrementalDetokenizer} belongs to one sequence. Entry: {@link
 * dev.quire.tokenizer.Tokenizer}. A model's files are read by {@link dev.quire.tokenizer.HuggingFaceTokenizer} and
 * {@link dev.quire.tokenizer.TokenizerConfig}; the native library behind the former is seen nowhere else.
 */
package dev.quire.tokenizer;
