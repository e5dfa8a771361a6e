package dev.quire.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.quire.frontend.InvalidRequest;
import dev.quire.frontend.Prompt;
import dev.quire.frontend.SamplingOptions;
import dev.quire.request.TokenIds;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The body of {@code POST /v1/completions}, types checked.
 *
 * @param prompts at least one
 * @param echo the answer begins with the prompt
 * @param promptOnly with {@code echo}: nothing is generated
 * @param returnTokenIds answer token ids beside the text
 */
record CompletionRequest(
        @Nullable String model,
        List<Prompt> prompts,
        SamplingOptions sampling,
        StreamOptions delivery,
        boolean addSpecialTokens,
        boolean echo,
        boolean promptOnly,
        boolean returnTokenIds) {
    private static final int DEFAULT_MAX_TOKENS = 16;

    /** Throws {@link InvalidRequest}. */
    static CompletionRequest parse(byte[] json) {
        JsonFields body = JsonFields.parse(json);
        String model = body.string("model");
        SamplingOptions sampling = RequestFields.sampling(body);
        StreamOptions delivery = RequestFields.streamOptions(body);
        RequestFields.refuseUnsupported(body, delivery);
        boolean echo = body.bool("echo", false);
        Integer logprobs = body.integer("logprobs");
        sampling.logprobs(logprobs);
        if (echo && logprobs != null) {
            sampling.promptLogprobs(logprobs);
        }
        Integer maxTokens = body.integer("max_tokens");
        boolean promptOnly = echo && maxTokens != null && maxTokens == 0;
        // An explicit null asks for all the context has left; a missing field for the API's default.
        sampling.maxTokens(body.isMissing("max_tokens") ? (Integer) DEFAULT_MAX_TOKENS : maxTokens);
        boolean addSpecialTokens = body.bool("add_special_tokens", true);
        boolean returnTokenIds = body.bool("return_token_ids", false);
        List<Prompt> prompts = prompts(body);
        body.check();
        return new CompletionRequest(
                model, prompts, sampling, delivery, addSpecialTokens, echo, promptOnly, returnTokenIds);
    }

    private static List<Prompt> prompts(JsonFields body) {
        JsonNode node = body.node("prompt");
        List<Prompt> prompts = new ArrayList<>();
        if (node == null) {
            body.missing("prompt");
        } else if (node.isTextual()) {
            prompts.add(new Prompt.Text(node.textValue()));
        } else if (node.isArray() && !node.isEmpty() && node.get(0).isInt()) {
            addIds(body, "prompt", node, prompts);
        } else if (node.isArray()) {
            for (int i = 0; i < node.size(); i++) {
                JsonNode item = node.get(i);
                if (item.isTextual()) {
                    prompts.add(new Prompt.Text(item.textValue()));
                } else {
                    addIds(body, "prompt." + i, item, prompts);
                }
            }
            if (node.isEmpty()) {
                throw InvalidRequest.badValue("prompt", "prompt must contain at least one prompt.");
            }
        } else {
            wrongPrompt(body, "prompt", node);
        }
        return prompts;
    }

    private static void addIds(JsonFields body, String name, JsonNode array, List<Prompt> prompts) {
        if (!array.isArray()) {
            wrongPrompt(body, name, array);
            return;
        }
        int[] ids = new int[array.size()];
        for (int i = 0; i < ids.length; i++) {
            JsonNode id = array.get(i);
            if (!id.isInt()) {
                body.wrong(name + "." + i, "int_type", "Input should be a valid integer", id);
                return;
            }
            ids[i] = id.intValue();
        }
        prompts.add(new Prompt.Ids(TokenIds.of(ids)));
    }

    private static void wrongPrompt(JsonFields body, String name, JsonNode node) {
        body.wrong(name, "prompt_type", "Input should be a string, token ids, or a list of either", node);
    }
}
