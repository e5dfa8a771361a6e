/**
 * The OpenAI API: JSON in, JSON or server-sent events out.
 *
 * <p>May use: request, frontend, engine (its client), server.ops, server.config. Thread: the Vert.x event loop; long
 * prompts are tokenized on a worker. Start with {@link dev.quire.server.openai.GenerationAnswer}.
 */
@NullMarked
package dev.quire.server.openai;

import org.jspecify.annotations.NullMarked;
