/**
 * Which options does a server take? One mapping, vLLM's option names under the prefix {@code quire}.
 *
 * <p>May use: nothing. Thread: any. Start with {@link dev.quire.server.config.QuireConfig}.
 */
@NullMarked
package dev.quire.server.config;

import org.jspecify.annotations.NullMarked;
