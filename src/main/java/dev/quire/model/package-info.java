/**
 * How do kernels compose into an architecture? One dense decoder with switches; one file a family says which.
 *
 * <p>May use: tensor, kernel, weights. Thread: engine (loading: the boot thread). Start with {@link
 * dev.quire.model.ModelRegistry} and {@link dev.quire.model.CausalLm}.
 */
@NullMarked
package dev.quire.model;

import org.jspecify.annotations.NullMarked;
