package dev.quire.frontend;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Splits a growing answer into content and {@code <tool_call>{json}</tool_call>} blocks.
 *
 * <p>Content is released as soon as it cannot be the start of a block, a call as soon as its block is complete. A block
 * that is no call (broken JSON, no name) is given back as content, tags included; a block that the answer's end leaves
 * open counts when its JSON is whole. White space after a block is dropped. Not thread-safe.
 */
public final class HermesToolCalls {
    private static final String START = "<tool_call>";
    private static final String END = "</tool_call>";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final StringBuilder pending = new StringBuilder();
    private final StringBuilder content = new StringBuilder();
    private List<ToolCall> calls = new ArrayList<>();
    private boolean insideBlock;
    private boolean afterBlock;
    private int searchedTo;

    /** Takes the next piece of the answer. */
    public void append(String text) {
        pending.append(text);
        boolean progress = true;
        while (progress) {
            progress = insideBlock ? closeBlock() : openBlock();
        }
    }

    /** The answer has ended. */
    public void finish() {
        if (insideBlock) {
            takeBlock(pending.length(), "");
        } else {
            release(pending.length());
        }
    }

    private boolean openBlock() {
        int start = pending.indexOf(START);
        if (start < 0) {
            release(pending.length() - possibleStart());
            return false;
        }
        release(start);
        pending.delete(0, START.length());
        insideBlock = true;
        searchedTo = 0;
        return true;
    }

    private boolean closeBlock() {
        int end = pending.indexOf(END, Math.max(0, searchedTo - END.length()));
        searchedTo = pending.length();
        if (end < 0) {
            return false;
        }
        takeBlock(end, END);
        return true;
    }

    private void takeBlock(int length, String closing) {
        String block = pending.substring(0, length);
        pending.delete(0, length + closing.length());
        ToolCall call = parse(block);
        if (call == null) {
            content.append(START).append(block).append(closing);
        } else {
            calls.add(call);
        }
        insideBlock = false;
        afterBlock = call != null;
    }

    /** Length of the longest end of the pending text that a start tag begins with. */
    private int possibleStart() {
        for (int length = Math.min(START.length() - 1, pending.length()); length > 0; length--) {
            if (START.startsWith(pending.substring(pending.length() - length))) {
                return length;
            }
        }
        return 0;
    }

    private void release(int length) {
        int from = 0;
        while (afterBlock && from < length && Character.isWhitespace(pending.charAt(from))) {
            from++;
        }
        if (from < length) {
            afterBlock = false;
            content.append(pending, from, length);
        }
        pending.delete(0, length);
    }

    private static @Nullable ToolCall parse(String block) {
        try {
            JsonNode json = JSON.readTree(block);
            JsonNode name = json.path("name");
            if (!name.isTextual()) {
                return null;
            }
            JsonNode arguments = json.path("arguments");
            String text = arguments.isTextual()
                    ? arguments.textValue()
                    : arguments.isMissingNode() || arguments.isNull() ? "{}" : arguments.toString();
            return new ToolCall(name.textValue(), text);
        } catch (JsonProcessingException e) {
            return null;
        }
    }

    /** The content since the last call. */
    public String takeContent() {
        String taken = content.toString();
        content.setLength(0);
        return taken;
    }

    /** The calls completed since the last call. */
    public List<ToolCall> takeCalls() {
        if (calls.isEmpty()) {
            return List.of();
        }
        List<ToolCall> taken = calls;
        calls = new ArrayList<>();
        return taken;
    }
}
