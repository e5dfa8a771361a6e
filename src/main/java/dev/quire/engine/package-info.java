/**
 * The loop, and its client: queue → schedule → run → update → emit.
 *
 * <p>May use: request, queue, scheduler, batch, runner. Thread: one engine thread, asserted; {@link
 * dev.quire.engine.EngineClient} is for everybody else. Start with {@link dev.quire.engine.EngineClient}.
 */
@NullMarked
package dev.quire.engine;

import org.jspecify.annotations.NullMarked;
