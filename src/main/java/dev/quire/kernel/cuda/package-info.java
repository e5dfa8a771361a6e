/**
 * The bridge to {@code src/main/cuda}: one device's kernels through the JavaCPP presets of the CUDA driver, runtime and
 * cuBLASLt, which are used here and nowhere else.
 *
 * <p>May use: kernel, tensor. Thread: the engine thread enqueues; loading uses threads of its own. Start with {@link
 * dev.quire.kernel.cuda.CudaBackend}.
 */
@NullMarked
package dev.quire.kernel.cuda;

import org.jspecify.annotations.NullMarked;
