/**
 * The template language that chat templates are written in, as transformers configures it.
 *
 * <p>Source text → {@code Lexer} → {@code Parser} (records of {@code Node}) → {@code Compiler} (closures over
 * numbered variable slots, scoped exactly as Jinja2 scopes them) → {@link dev.quire.chat.jinja.Template}, which is
 * immutable and renders on any thread.
 *
 * <p>Template values are plain Java objects: {@code null} is Python's {@code None}, then {@code Boolean},
 * {@code Long} or {@code BigInteger}, {@code Double}, {@code String}, {@code List}, {@code Map} and the package's
 * own {@code TemplateObject}s. Inside this package an {@code Object} that holds a template value may therefore be
 * {@code null}; everything else is non-null unless marked.
 *
 * <p>May use: nothing. Thread: any. Entry: {@link dev.quire.chat.jinja.Template}.
 */
package dev.quire.chat.jinja;
