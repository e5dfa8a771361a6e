package dev.quire.frontend;

/** How the model writes tool calls into its text. */
public enum ToolCallFormat {
    /** Tool calls are not looked for. */
    NONE,
    /** {@code <tool_call>{"name": …, "arguments": {…}}</tool_call>} */
    HERMES
}
