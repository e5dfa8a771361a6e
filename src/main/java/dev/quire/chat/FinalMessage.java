package dev.quire.chat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The last message of a chat that the model is to continue: marked before rendering, cut behind its text after.
 *
 * <p>Source: {@code continue_final_message} of transformers' render_jinja_template.
 */
record FinalMessage(List<?> markedMessages, String text) {
    private static final String TAG = "CONTINUE_FINAL_MESSAGE_TAG ";

    static FinalMessage of(List<?> messages) {
        if (messages.isEmpty() || !(messages.get(messages.size() - 1) instanceof Map<?, ?> last)) {
            throw new ChatTemplateException("continue_final_message is set but there is no message to continue!");
        }
        Object content = last.get("content");
        if (content == null) {
            throw new ChatTemplateException(
                    "continue_final_message is set but the final message has no \"content\" to continue!");
        }
        Map<Object, Object> marked = new LinkedHashMap<>(last);
        String text;
        if (content instanceof List<?> parts) {
            int index = lastText(parts);
            Map<Object, Object> part = new LinkedHashMap<>((Map<?, ?>) parts.get(index));
            text = String.valueOf(part.get("text"));
            part.put("text", text + TAG);
            List<Object> markedParts = new ArrayList<>(parts);
            markedParts.set(index, part);
            marked.put("content", markedParts);
        } else {
            text = String.valueOf(content);
            marked.put("content", text + TAG);
        }
        List<Object> all = new ArrayList<>(messages);
        all.set(all.size() - 1, marked);
        return new FinalMessage(all, text);
    }

    private static int lastText(List<?> parts) {
        for (int i = parts.size() - 1; i >= 0; i--) {
            if (parts.get(i) instanceof Map<?, ?> part && part.containsKey("text")) {
                return i;
            }
        }
        throw new ChatTemplateException(
                "continue_final_message is set but we could not find any text to continue in the final message!");
    }

    /** The prompt up to the end of the message's text. */
    String cut(String rendered) {
        int tag = rendered.lastIndexOf(TAG.strip());
        if (tag < 0 || !rendered.contains(text.strip())) {
            throw new ChatTemplateException("continue_final_message is set but the final message does not appear in the"
                    + " chat after applying the chat template! This can happen if the chat template deletes portions of"
                    + " the final message. Please verify the chat template and final message in your chat to ensure"
                    + " they are compatible.");
        }
        String prompt = rendered.substring(0, tag);
        // A template that trims the message has trimmed the tag's own space; what precedes it is trimmed likewise.
        return rendered.startsWith(TAG, tag) ? prompt : prompt.stripTrailing();
    }
}
