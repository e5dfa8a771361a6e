package dev.quire.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.quire.frontend.ChatInput;
import dev.quire.frontend.ChatInput.ToolChoice;
import dev.quire.frontend.InvalidRequest;
import dev.quire.frontend.SamplingOptions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The body of {@code POST /v1/chat/completions}, types checked.
 *
 * @param echo the answer begins with the last message when that has the answer's role
 * @param parallelToolCalls false keeps the first tool call only
 * @param returnTokenIds answer token ids beside the text
 */
record ChatRequest(
        @Nullable String model,
        ChatInput input,
        SamplingOptions sampling,
        StreamOptions delivery,
        boolean echo,
        boolean parallelToolCalls,
        boolean returnTokenIds) {
    private static final String ASSISTANT = "assistant";

    /** Throws {@link InvalidRequest}. */
    static ChatRequest parse(byte[] json) {
        JsonFields body = JsonFields.parse(json);
        String model = body.string("model");
        SamplingOptions sampling = RequestFields.sampling(body);
        StreamOptions delivery = RequestFields.streamOptions(body);
        RequestFields.refuseUnsupported(body, delivery);
        Integer maxTokens = body.integer("max_completion_tokens");
        sampling.maxTokens(maxTokens == null ? body.integer("max_tokens") : maxTokens);
        sampling.logprobs(logprobs(body));
        if (!body.has("messages")) {
            body.missing("messages");
        }
        ChatInput input = input(body);
        boolean echo = body.bool("echo", false);
        boolean parallelToolCalls = body.bool("parallel_tool_calls", true);
        boolean returnTokenIds = body.bool("return_token_ids", false);
        body.check();
        return new ChatRequest(model, input, sampling, delivery, echo, parallelToolCalls, returnTokenIds);
    }

    /** The conversation part, which {@code /tokenize} has too. */
    static ChatInput input(JsonFields body) {
        if (body.has("chat_template")) {
            throw InvalidRequest.unsupported(
                    "chat_template", "a template of the request is not trusted, the model's own is used.");
        }
        List<Map<String, Object>> messages = body.objects("messages");
        return new ChatInput(
                messages == null ? List.of() : messages,
                body.objects("tools"),
                toolChoice(body),
                body.bool("add_generation_prompt", true),
                body.bool("continue_final_message", false),
                body.bool("add_special_tokens", false),
                body.objects("documents"),
                templateArguments(body));
    }

    private static @Nullable Integer logprobs(JsonFields body) {
        Integer top = body.integer("top_logprobs");
        if (body.bool("logprobs", false)) {
            return top == null ? (Integer) 0 : top;
        }
        if (top != null && top != 0) {
            throw InvalidRequest.badValue("top_logprobs", "when using `top_logprobs`, `logprobs` must be set to true.");
        }
        return null;
    }

    private static ToolChoice toolChoice(JsonFields body) {
        JsonNode choice = body.node("tool_choice");
        if (choice == null) {
            return ToolChoice.DEFAULT;
        }
        if (choice.isObject()) {
            return ToolChoice.NAMED;
        }
        switch (choice.asText()) {
            case "none":
                return ToolChoice.NONE;
            case "auto":
                return ToolChoice.AUTO;
            case "required":
                return ToolChoice.REQUIRED;
            default:
                body.wrong(
                        "tool_choice",
                        "literal_error",
                        "Input should be none, auto, required or a named function",
                        choice);
                return ToolChoice.DEFAULT;
        }
    }

    private static Map<String, Object> templateArguments(JsonFields body) {
        Map<String, Object> arguments = new LinkedHashMap<>();
        String effort = body.string("reasoning_effort");
        if (effort != null) {
            arguments.put("reasoning_effort", effort);
            arguments.put("enable_thinking", !effort.equals("none"));
        }
        JsonNode own = body.node("chat_template_kwargs");
        if (own != null && !own.isObject()) {
            body.wrong("chat_template_kwargs", "dict_type", "Input should be a valid dictionary", own);
        } else if (own != null) {
            arguments.putAll(JsonFields.map(own));
        }
        return arguments;
    }

    ChatRequest withDelivery(StreamOptions other) {
        return new ChatRequest(model, input, sampling, other, echo, parallelToolCalls, returnTokenIds);
    }

    /** The role of the answer. */
    String role() {
        return input.addGenerationPrompt() ? ASSISTANT : lastRole();
    }

    private String lastRole() {
        return input.messages().get(input.messages().size() - 1).get("role") instanceof String role ? role : ASSISTANT;
    }

    /** With {@code echo}, the last message's text when it has the answer's role; else empty. */
    String echoedText() {
        if (!echo || !lastRole().equals(role())) {
            return "";
        }
        return input.messages().get(input.messages().size() - 1).get("content") instanceof String text ? text : "";
    }
}
