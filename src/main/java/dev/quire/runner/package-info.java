/**
 * Order in, result out, on one device.
 *
 * <p>May use: request, batch, tensor, kernel, model, sampling. Thread: engine. Start with {@link
 * dev.quire.runner.StepRunner}.
 */
@NullMarked
package dev.quire.runner;

import org.jspecify.annotations.NullMarked;
