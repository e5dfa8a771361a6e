package dev.quire.server.openai;

/**
 * How an answer is delivered.
 *
 * @param stream as server-sent events
 * @param includeUsage one more chunk with usage at the end of a stream
 * @param continuousUsage usage in every chunk
 */
record StreamOptions(boolean stream, boolean includeUsage, boolean continuousUsage) {}
