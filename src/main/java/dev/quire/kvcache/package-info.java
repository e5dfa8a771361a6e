/**
 * Who owns which block? Integers only, no device.
 *
 * <p>May use: request. Thread: engine, therefore lock-free. Start with {@link dev.quire.kvcache.KvCacheManager}.
 */
@NullMarked
package dev.quire.kvcache;

import org.jspecify.annotations.NullMarked;
