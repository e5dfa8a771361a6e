package dev.quire.frontend;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.chat.ChatMessages;
import dev.quire.chat.ChatTemplate;
import dev.quire.chat.ChatTemplateException;
import dev.quire.chat.ChatTemplates;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A conversation to prompt text. Throws {@link InvalidRequest} for messages that the template does not accept. */
final class ChatRendering {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final TypeReference<LinkedHashMap<String, Object>> OBJECT = new TypeReference<>() {};

    private final @Nullable ChatTemplates templates;

    ChatRendering(@Nullable ChatTemplates templates) {
        this.templates = templates;
    }

    String render(ChatInput input) {
        if (templates == null) {
            throw InvalidRequest.badValue(
                    "messages", "The model has no chat template, and none was given with --chat-template.");
        }
        if (input.addGenerationPrompt() && input.continueFinalMessage()) {
            throw InvalidRequest.badValue(
                    "continue_final_message",
                    "Cannot set both `continue_final_message` and `add_generation_prompt` to True.");
        }
        checkRoles(input.messages());
        try {
            ChatTemplate template = templates.select(null, input.tools() != null);
            return template.render(new ChatTemplate.Input(
                    ChatMessages.forTemplate(input.messages(), template.contentFormat(), ChatRendering::arguments),
                    input.tools(),
                    input.addGenerationPrompt(),
                    input.continueFinalMessage(),
                    input.documents(),
                    input.templateArguments()));
        } catch (ChatTemplateException e) {
            throw InvalidRequest.badValue("messages", String.valueOf(e.getMessage()));
        }
    }

    private static void checkRoles(List<Map<String, Object>> messages) {
        if (messages.isEmpty()) {
            throw InvalidRequest.badValue("messages", "messages must contain at least one message.");
        }
        for (int i = 0; i < messages.size(); i++) {
            if (!(messages.get(i).get("role") instanceof String)) {
                throw InvalidRequest.badValue("messages", "messages[" + i + "].role must be a string.");
            }
        }
    }

    private static Object arguments(String json) {
        try {
            return JSON.readValue(json, OBJECT);
        } catch (JsonProcessingException e) {
            throw InvalidRequest.badValue(
                    "messages", "The arguments of a tool call must be a JSON object in a string, got: " + json);
        }
    }
}
