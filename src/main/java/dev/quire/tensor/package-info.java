/**
 * Where are the bytes, what shape and type, who frees them? No arithmetic.
 *
 * <p>May use: nothing. Thread: any for reading. Start with {@link dev.quire.tensor.Tensor} (on a device) and
 * {@link dev.quire.tensor.HostTensor} (in a checkpoint).
 */
@NullMarked
package dev.quire.tensor;

import org.jspecify.annotations.NullMarked;
