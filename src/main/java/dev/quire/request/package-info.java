/**
 * What does a caller ask, what does it hear? Immutable messages between callers and the engine.
 *
 * <p>May use: nothing. Thread: any. Start with {@link dev.quire.request.GenerationRequest}.
 */
@NullMarked
package dev.quire.request;

import org.jspecify.annotations.NullMarked;
