package dev.quire.frontend;

import dev.quire.chat.ChatTemplate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** TEMP. */
final class ChatRendering {
    private ChatRendering() {}

    static String render(ChatTemplate template, List<Map<String, Object>> messages, ChatInput input) {
        Map<String, Object> args = new HashMap<>(input.templateArguments());
        args.put("tools", input.tools());
        args.put("add_generation_prompt", input.addGenerationPrompt());
        return template.render(messages, args);
    }
}
