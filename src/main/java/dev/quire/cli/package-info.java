/**
 * What can be typed? {@code quire serve}, {@code chat}, {@code complete}, {@code bench}.
 *
 * <p>May use: boot's façade, bench, client, server's configuration. Thread: main. Start with {@link
 * dev.quire.cli.QuireMain}.
 */
@NullMarked
package dev.quire.cli;

import org.jspecify.annotations.NullMarked;
