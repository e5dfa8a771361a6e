/**
 * How do many event loops reach one engine thread?
 *
 * <p>May use: request. Thread: the border between all of them. Start with {@link dev.quire.queue.RequestQueue}.
 */
@NullMarked
package dev.quire.queue;

import org.jspecify.annotations.NullMarked;
