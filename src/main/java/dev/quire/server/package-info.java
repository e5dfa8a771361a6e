/**
 * The edge: HTTP requests in, JSON and server-sent events out. Quarkus, Mutiny, Jakarta and Vert.x live only here and in
 * boot and cli.
 *
 * <p>May use: request, frontend, engine (its client). Thread: the Vert.x event loop, never blocked. Start with {@link
 * dev.quire.server.openai}.
 */
@NullMarked
package dev.quire.server;

import org.jspecify.annotations.NullMarked;
