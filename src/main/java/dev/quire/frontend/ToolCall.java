package dev.quire.frontend;

/**
 * A function the model wants called.
 *
 * @param arguments JSON text, an object when the model behaves
 */
public record ToolCall(String name, String arguments) {}
