package dev.quire.frontend;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Messages of the API to messages a template can render: text parts joined, tool-call arguments as objects.
 *
 * <p>Throws {@link InvalidRequest} naming the message.
 */
final class ChatMessages {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final TypeReference<LinkedHashMap<String, Object>> OBJECT = new TypeReference<>() {};

    private ChatMessages() {}

    static List<Map<String, Object>> normalize(List<Map<String, Object>> messages) {
        if (messages.isEmpty()) {
            throw InvalidRequest.badValue("messages", "messages must contain at least one message.");
        }
        List<Map<String, Object>> normalized = new ArrayList<>(messages.size());
        for (int i = 0; i < messages.size(); i++) {
            normalized.add(normalize(messages.get(i), "messages[" + i + "]"));
        }
        return normalized;
    }

    private static Map<String, Object> normalize(Map<String, Object> message, String where) {
        if (!(message.get("role") instanceof String)) {
            throw InvalidRequest.badValue("messages", where + ".role must be a string.");
        }
        Map<String, Object> normalized = new LinkedHashMap<>(message);
        normalized.put("content", text(message.get("content"), where));
        if (message.get("tool_calls") instanceof List<?> calls && !calls.isEmpty()) {
            normalized.put("tool_calls", toolCalls(calls, where));
        } else {
            normalized.remove("tool_calls");
        }
        // Templates of reasoning models read either name.
        Object reasoning = message.getOrDefault("reasoning", message.get("reasoning_content"));
        if (reasoning != null) {
            normalized.put("reasoning", reasoning);
            normalized.put("reasoning_content", reasoning);
        }
        return normalized;
    }

    private static @Nullable String text(@Nullable Object content, String where) {
        if (content == null || content instanceof String) {
            return (String) content;
        }
        if (!(content instanceof List<?> parts)) {
            throw InvalidRequest.badValue("messages", where + ".content must be a string or a list of text parts.");
        }
        StringBuilder joined = new StringBuilder();
        for (int i = 0; i < parts.size(); i++) {
            joined.append(i == 0 ? "" : "\n").append(part(parts.get(i), where + ".content[" + i + "]"));
        }
        return joined.toString();
    }

    private static String part(@Nullable Object part, String where) {
        if (part instanceof String text) {
            return text;
        }
        if (part instanceof Map<?, ?> map) {
            Object type = map.get("type");
            String field = "refusal".equals(type) ? "refusal" : "text";
            boolean isText = type == null || "text".equals(type) || "refusal".equals(type) || "input_text".equals(type);
            if (isText && map.get(field) instanceof String text) {
                return text;
            }
            if (!isText) {
                throw InvalidRequest.badValue(
                        "messages", where + " has type \"" + type + "\", but this model reads only text parts.");
            }
        }
        throw InvalidRequest.badValue("messages", where + " is not a text part.");
    }

    private static List<Object> toolCalls(List<?> calls, String where) {
        List<Object> normalized = new ArrayList<>(calls.size());
        for (Object call : calls) {
            if (!(call instanceof Map<?, ?> map) || !(map.get("function") instanceof Map<?, ?> function)) {
                throw InvalidRequest.badValue("messages", where + ".tool_calls: each needs a function object.");
            }
            Map<Object, Object> withArguments = new LinkedHashMap<>(function);
            withArguments.put("arguments", arguments(function.get("arguments"), where));
            Map<Object, Object> copy = new LinkedHashMap<>(map);
            copy.put("function", withArguments);
            normalized.add(copy);
        }
        return normalized;
    }

    private static Object arguments(@Nullable Object arguments, String where) {
        if (arguments == null || "".equals(arguments)) {
            return new LinkedHashMap<String, Object>();
        }
        if (!(arguments instanceof String text)) {
            return arguments;
        }
        try {
            return JSON.readValue(text, OBJECT);
        } catch (JsonProcessingException e) {
            throw InvalidRequest.badValue(
                    "messages", where + ".tool_calls: function.arguments must be a JSON object in a string.");
        }
    }
}
