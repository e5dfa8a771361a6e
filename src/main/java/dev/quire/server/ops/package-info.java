/**
 * What do operators see? Health, version, metrics; keys and limits at the door.
 *
 * <p>May use: request, frontend, engine (its client), server.config. Thread: event loops; metrics are scraped on a
 * worker. Start with {@link dev.quire.server.ops.ServingMetrics}.
 */
@NullMarked
package dev.quire.server.ops;

import org.jspecify.annotations.NullMarked;
