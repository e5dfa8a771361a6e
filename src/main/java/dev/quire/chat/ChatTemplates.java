package dev.quire.chat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The chat templates of one model by name; most models have one, called {@code default}. */
public final class ChatTemplates {
    private static final String DEFAULT = "default";
    private static final String TOOL_USE = "tool_use";

    private final Map<String, ChatTemplate> byName;

    private ChatTemplates(Map<String, ChatTemplate> byName) {
        this.byName = byName;
    }

    /**
     * The templates in the {@code chat_template} field of tokenizer_config.json, or the text of chat_template.jinja.
     *
     * @param field a text, or a list of maps with {@code name} and {@code template}
     * @throws ChatTemplateException when the field is neither, or a template is not valid
     */
    public static ChatTemplates of(Object field, ChatTemplate.Options options) {
        Map<String, ChatTemplate> byName = new LinkedHashMap<>();
        if (field instanceof String source) {
            byName.put(DEFAULT, ChatTemplate.compile(source, options));
        } else if (field instanceof List<?> list) {
            for (Object item : list) {
                if (!(item instanceof Map<?, ?> map)
                        || !(map.get("name") instanceof String name)
                        || !(map.get("template") instanceof String source)) {
                    throw new ChatTemplateException("each chat_template needs a name and a template");
                }
                byName.put(name, ChatTemplate.compile(source, options));
            }
        }
        if (byName.isEmpty()) {
            throw new ChatTemplateException("chat_template must be a string or a list of named templates");
        }
        return new ChatTemplates(byName);
    }

    /**
     * The template for a request, chosen as transformers does: by {@code name} if one is given, else
     * {@code tool_use} for a request with tools, else {@code default}.
     *
     * @throws ChatTemplateException when there is none of that name, or none called default
     */
    public ChatTemplate select(@Nullable String name, boolean withTools) {
        String wanted = name != null ? name : withTools && byName.containsKey(TOOL_USE) ? TOOL_USE : DEFAULT;
        ChatTemplate template = byName.get(wanted);
        if (template == null) {
            throw new ChatTemplateException("This model has no chat template named '" + wanted
                    + "'. Available template names are " + new TreeSet<>(byName.keySet()) + ".");
        }
        return template;
    }
}
