/**
 * Raw text to a <i>valid</i> request; tokens back to text. Knows no protocol and no web framework.
 *
 * <p>May use: request, tokenizer, chat, grammar, engine. Thread: the caller's event loop or worker; only {@link
 * dev.quire.frontend.TokenInbox} is also met by the engine thread. Start with {@link dev.quire.frontend.InputProcessor}.
 */
@NullMarked
package dev.quire.frontend;

import org.jspecify.annotations.NullMarked;
