/**
 * How fast is it? Workloads, measurements and their report, for the engine in this process and for a server.
 *
 * <p>May use: request, engine (its client), client. Thread: the caller's; sinks hear from the engine thread. Start with
 * {@link dev.quire.bench.EngineBench}.
 */
@NullMarked
package dev.quire.bench;

import org.jspecify.annotations.NullMarked;
