/**
 * Who gets how many tokens now? Each step raises every sequence's number of computed tokens toward its number of
 * tokens, under a token budget: there is no prefill phase and no decode phase.
 *
 * <p>May use: request, kvcache, batch. Thread: engine. Start with {@link dev.quire.scheduler.Scheduler}.
 */
@NullMarked
package dev.quire.scheduler;

import org.jspecify.annotations.NullMarked;
