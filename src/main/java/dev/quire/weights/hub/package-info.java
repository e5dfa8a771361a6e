/**
 * How does a model come from a Hugging Face hub into the Hugging Face cache?
 *
 * <p>May use: nothing. Thread: the caller's, with its own download threads. Start with
 * {@link dev.quire.weights.hub.HubDownload}.
 */
@NullMarked
package dev.quire.weights.hub;

import org.jspecify.annotations.NullMarked;
