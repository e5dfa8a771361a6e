package dev.quire.chat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Messages of an OpenAI request, brought into the shape that chat templates expect. */
public final class ChatMessages {
    private ChatMessages() {}

    /**
     * New messages whose contents are in {@code format} and whose tool calls carry their arguments as values.
     *
     * <p>As vLLM does it: for {@link ContentFormat#STRING} the text parts are joined with newlines, for
     * {@link ContentFormat#OPENAI} a plain text becomes a list of one part. The messages given are not changed.
     *
     * @param parseJson reads the JSON text of a tool call's arguments
     * @throws ChatTemplateException when a message is no object, or has a part that is not text
     */
    public static List<Map<String, Object>> forTemplate(
            List<?> messages, ContentFormat format, Function<String, Object> parseJson) {
        List<Map<String, Object>> result = new ArrayList<>(messages.size());
        for (Object message : messages) {
            Map<String, Object> copy = copy(message, "a message must be an object");
            List<Map<String, Object>> parts = parts(copy.get("content"));
            copy.put("content", format == ContentFormat.OPENAI ? parts : joined(parts));
            if (copy.get("tool_calls") instanceof List<?> calls) {
                copy.put(
                        "tool_calls",
                        calls.stream().map(c -> toolCall(c, parseJson)).toList());
            }
            result.add(copy);
        }
        return result;
    }

    private static Map<String, Object> copy(Object value, String otherwise) {
        if (!(value instanceof Map<?, ?> map)) {
            throw new ChatTemplateException(otherwise);
        }
        Map<String, Object> copy = new LinkedHashMap<>();
        map.forEach((key, item) -> copy.put(String.valueOf(key), item));
        return copy;
    }

    private static List<Map<String, Object>> parts(@Nullable Object content) {
        if (content == null) {
            return List.of();
        }
        if (content instanceof String text) {
            return List.of(textPart(text));
        }
        if (!(content instanceof List<?> list)) {
            throw new ChatTemplateException("content must be a string or a list of parts");
        }
        List<Map<String, Object>> parts = new ArrayList<>();
        for (Object item : list) {
            parts.add(
                    item instanceof String text
                            ? textPart(text)
                            : textPart(copy(item, "a content part must be an object")));
        }
        return parts;
    }

    private static Map<String, Object> textPart(String text) {
        Map<String, Object> part = new LinkedHashMap<>();
        part.put("type", "text");
        part.put("text", text);
        return part;
    }

    private static Map<String, Object> textPart(Map<String, Object> part) {
        Object type = part.getOrDefault("type", "text");
        Object text = "refusal".equals(type) ? part.get("refusal") : part.get("text");
        boolean known = "text".equals(type)
                || "input_text".equals(type)
                || "output_text".equals(type)
                || "refusal".equals(type);
        if (!known || !(text instanceof String string)) {
            throw new ChatTemplateException("content part of type '" + type + "' is not supported by this model");
        }
        return textPart(string);
    }

    private static String joined(List<Map<String, Object>> parts) {
        List<String> texts =
                parts.stream().map(part -> (String) part.get("text")).toList();
        return String.join("\n", texts);
    }

    private static Map<String, Object> toolCall(Object call, Function<String, Object> parseJson) {
        Map<String, Object> copy = copy(call, "a tool call must be an object");
        if (copy.get("function") instanceof Map<?, ?> function) {
            Map<String, Object> functionCopy = copy(function, "");
            Object arguments = functionCopy.get("arguments");
            if (arguments == null || "".equals(arguments)) {
                functionCopy.put("arguments", Map.of());
            } else if (arguments instanceof String text) {
                functionCopy.put("arguments", parseJson.apply(text));
            }
            copy.put("function", functionCopy);
        }
        return copy;
    }
}
