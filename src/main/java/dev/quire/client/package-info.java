/**
 * How does one talk to a running server? The OpenAI API from the other side, over {@code java.net.http}.
 *
 * <p>May use: nothing. Thread: the caller's, blocking. Start with {@link dev.quire.client.ServerClient}.
 */
@NullMarked
package dev.quire.client;

import org.jspecify.annotations.NullMarked;
