/**
 * What runs this step, and what came out? The only messages between counting (scheduler) and computing (runner).
 *
 * <p>May use: request. Thread: engine. Start with {@link dev.quire.batch.SchedulerOutput}.
 */
@NullMarked
package dev.quire.batch;

import org.jspecify.annotations.NullMarked;
