/**
 * Builds the object graph, picks the backend, logs why; starts and stops the process.
 *
 * <p>May use: everything. Used by cli alone. Thread: main and the loading thread. Start with {@link
 * dev.quire.boot.QuireEngine}, which needs no web framework.
 */
@NullMarked
package dev.quire.boot;

import org.jspecify.annotations.NullMarked;
