package dev.quire.frontend;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A conversation as its sender wrote it. Messages and tools are JSON objects as Java maps, lists, strings, numbers and
 * booleans; the content of a message is a string, null, or a list of text parts.
 *
 * @param tools functions the model may call; null when the field was not given
 * @param toolChoice who decides about calls
 * @param addGenerationPrompt open the assistant's turn
 * @param continueFinalMessage go on with the last message instead
 * @param addSpecialTokens of the tokenizer, on top of those the template writes
 * @param documents for templates that read them
 * @param templateArguments further variables for the template
 */
public record ChatInput(
        List<Map<String, Object>> messages,
        @Nullable List<Map<String, Object>> tools,
        ToolChoice toolChoice,
        boolean addGenerationPrompt,
        boolean continueFinalMessage,
        boolean addSpecialTokens,
        @Nullable List<Map<String, Object>> documents,
        Map<String, Object> templateArguments) {
    /** Who decides whether a tool is called. */
    public enum ToolChoice {
        /** The field was not given. */
        DEFAULT,
        NONE,
        AUTO,
        REQUIRED,
        /** One function is named. */
        NAMED
    }

    /** Whether the answer may contain tool calls. */
    public boolean mayCallTools() {
        return tools != null && toolChoice != ToolChoice.NONE;
    }
}
