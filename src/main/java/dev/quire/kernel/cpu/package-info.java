/**
 * The plain reference, and the fast CPU path: Vector API kernels on packed weights, spread over one fixed worker pool.
 *
 * <p>May use: kernel, tensor. Thread: the engine thread calls; {@link dev.quire.kernel.cpu.WorkerPool} spreads the
 * work. Start with {@link dev.quire.kernel.cpu.CpuBackend}. {@code CpuX} is fast, {@code ReferenceX} is plain and right.
 */
@NullMarked
package dev.quire.kernel.cpu;

import org.jspecify.annotations.NullMarked;
