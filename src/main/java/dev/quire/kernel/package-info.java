/**
 * What arithmetic must a device offer? One interface a family; one implementation a backend.
 *
 * <p>May use: tensor. Thread: the engine thread calls; a backend spreads the work. Start with
 * {@link dev.quire.kernel.Backend}.
 */
@NullMarked
package dev.quire.kernel;

import org.jspecify.annotations.NullMarked;
