package dev.quire.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.quire.frontend.InvalidRequest;
import dev.quire.frontend.SamplingOptions;
import java.util.Map;

/** The fields that completions and chat have in common, and the refusal of those that cannot be served. */
final class RequestFields {
    /** Options that would change the answer, and why they cannot. */
    private static final Map<String, String> UNSUPPORTED = Map.ofEntries(
            Map.entry("structured_outputs", "output cannot be constrained to a grammar."),
            Map.entry("prompt_embeds", "only text and token ids can be prompts."),
            Map.entry("logprob_token_ids", "logprobs come for the most probable tokens only."),
            Map.entry("kv_transfer_params", "there is no KV connector."),
            Map.entry("ec_transfer_params", "there is no encoder connector."),
            Map.entry("repetition_detection", "repetitions are not detected."),
            Map.entry("thinking_token_budget", "there is no reasoning parser."));

    private RequestFields() {}

    /** Reads everything but {@code max_tokens} and the logprobs, which the two APIs spell differently. */
    static SamplingOptions sampling(JsonFields body) {
        return new SamplingOptions()
                .n(body.integer("n"))
                .temperature(body.number("temperature"))
                .topP(body.number("top_p"))
                .topK(body.integer("top_k"))
                .minP(body.number("min_p"))
                .presencePenalty(body.number("presence_penalty"))
                .frequencyPenalty(body.number("frequency_penalty"))
                .repetitionPenalty(body.number("repetition_penalty"))
                .seed(body.longInteger("seed"))
                .minTokens(body.integer("min_tokens"))
                .promptLogprobs(body.integer("prompt_logprobs"))
                .truncatePromptTokens(body.integer("truncate_prompt_tokens"))
                .truncationSide(body.string("truncation_side"))
                .priority(body.integer("priority"))
                .cacheSalt(body.string("cache_salt"))
                .stop(body.strings("stop"))
                .stopTokenIds(orEmpty(body.integers("stop_token_ids")))
                .allowedTokenIds(body.integers("allowed_token_ids"))
                .logitBias(body.numbers("logit_bias"))
                .ignoreEos(body.bool("ignore_eos", false))
                .includeStopString(body.bool("include_stop_str_in_output", false))
                .skipSpecialTokens(body.bool("skip_special_tokens", true))
                .spacesBetweenSpecialTokens(body.bool("spaces_between_special_tokens", true))
                .tokensAsIds(body.bool("return_tokens_as_token_ids", false));
    }

    private static int[] orEmpty(int[] ids) {
        return ids == null ? new int[0] : ids;
    }

    static StreamOptions streamOptions(JsonFields body) {
        boolean stream = body.bool("stream", false);
        JsonFields options = body.object("stream_options");
        if (options == null) {
            return new StreamOptions(stream, false, false);
        }
        if (!stream) {
            throw InvalidRequest.badValue("stream_options", "Stream options can only be defined when `stream=True`.");
        }
        boolean includeUsage = options.bool("include_usage", false);
        return new StreamOptions(true, includeUsage, includeUsage && options.bool("continuous_usage_stats", false));
    }

    /** Throws for options that are understood but would change the answer in a way this server cannot. */
    static void refuseUnsupported(JsonFields body, StreamOptions delivery) {
        UNSUPPORTED.forEach((name, reason) -> {
            JsonNode value = body.node(name);
            if (value != null) {
                throw InvalidRequest.unsupported(name, reason);
            }
        });
        if (body.bool("use_beam_search", false)) {
            throw InvalidRequest.unsupported("use_beam_search", "there is no beam search.");
        }
        if (!body.strings("bad_words").isEmpty()) {
            throw InvalidRequest.unsupported("bad_words", "use logit_bias with the words' token ids.");
        }
        JsonFields format = body.object("response_format");
        if (format != null && !"text".equals(format.string("type"))) {
            throw InvalidRequest.unsupported(
                    "response_format", "output cannot be constrained, only {\"type\": \"text\"} can be served.");
        }
        if (delivery.stream() && body.has("prompt_logprobs")) {
            throw InvalidRequest.badValue("prompt_logprobs", "`prompt_logprobs` are not available when `stream=True`.");
        }
    }
}
