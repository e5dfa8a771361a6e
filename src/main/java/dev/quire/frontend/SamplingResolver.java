package dev.quire.frontend;

import dev.quire.request.InvalidParameterException;
import dev.quire.request.LogitBias;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Options over defaults, within limits, to {@link SamplingParams}. Throws {@link InvalidRequest} naming the parameter.
 */
final class SamplingResolver {
    private static final int ALL = -1;
    private static final int NO_SEED = -1;

    private final ServedModel model;

    SamplingResolver(ServedModel model) {
        this.model = model;
    }

    /**
     * The parameters for a prompt of this length, which is shorter than the context.
     *
     * @param promptOnly nothing is to be generated ({@code echo} with {@code max_tokens} 0)
     */
    SamplingParams resolve(SamplingOptions options, int numPromptTokens, boolean promptOnly) {
        SamplingDefaults defaults = model.defaults();
        SamplingParams.Builder params = SamplingParams.builder()
                .n(numSequences(options))
                .temperature(choose("temperature", options.temperature, defaults.temperature(), 1f))
                .topP(choose("top_p", options.topP, defaults.topP(), 1f))
                .topK(options.topK != null ? options.topK : defaults.topK() != null ? defaults.topK() : 0)
                .minP(choose("min_p", options.minP, defaults.minP(), 0f))
                .repetitionPenalty(
                        choose("repetition_penalty", options.repetitionPenalty, defaults.repetitionPenalty(), 1f))
                .presencePenalty(choose("presence_penalty", options.presencePenalty, null, 0f))
                .frequencyPenalty(choose("frequency_penalty", options.frequencyPenalty, null, 0f))
                .maxTokens(maxTokens(options, numPromptTokens, promptOnly))
                .minTokens(options.minTokens == null ? 0 : options.minTokens)
                .ignoreEos(options.ignoreEos)
                .stopTokenIds(inVocabulary("stop_token_ids", options.stopTokenIds))
                .allowedTokenIds(allowedTokenIds(options))
                .logitBias(logitBias(options.logitBias))
                .numLogprobs(numLogprobs("logprobs", options.logprobs))
                .numPromptLogprobs(numLogprobs("prompt_logprobs", options.promptLogprobs));
        if (options.seed != null && options.seed != NO_SEED) {
            params.seed(options.seed);
        }
        try {
            return params.build();
        } catch (InvalidParameterException e) {
            throw InvalidRequest.badValue(e.parameter(), String.valueOf(e.getMessage()));
        }
    }

    private int numSequences(SamplingOptions options) {
        int n = options.n == null ? 1 : options.n;
        int limit = model.limits().maxNumSequences();
        if (n > limit) {
            throw InvalidRequest.badValue("n", "n must be at most " + limit + ", got " + n + ".");
        }
        return n;
    }

    private static float choose(String name, @Nullable Double given, @Nullable Float preset, float otherwise) {
        if (given == null) {
            return preset == null ? otherwise : preset;
        }
        // A double that overflows float would pass as infinity, which has its own message.
        if (!Float.isFinite(given.floatValue())) {
            throw InvalidRequest.badValue(name, name + " must be a finite number, got " + given + ".");
        }
        return given.floatValue();
    }

    private int maxTokens(SamplingOptions options, int numPromptTokens, boolean promptOnly) {
        if (promptOnly) {
            return 0;
        }
        int max = model.maxModelLen() - numPromptTokens;
        if (options.maxTokens != null) {
            if (options.maxTokens < 1) {
                throw InvalidRequest.badValue(
                        "max_tokens", "max_tokens must be at least 1, got " + options.maxTokens + ".");
            }
            max = Math.min(max, options.maxTokens);
        }
        Integer preset = model.defaults().maxTokens();
        return preset == null ? max : Math.min(max, preset);
    }

    private int numLogprobs(String name, @Nullable Integer asked) {
        if (asked == null) {
            return SamplingParams.NO_LOGPROBS;
        }
        int limit = model.limits().maxLogprobs();
        if (asked == ALL && limit == ALL) {
            return SamplingParams.ALL_LOGPROBS;
        }
        if (asked < 0) {
            throw InvalidRequest.badValue(name, name + " must not be negative, got " + asked + ".");
        }
        if (limit != ALL && asked > limit) {
            throw InvalidRequest.badValue(
                    name, "Requested " + name + " of " + asked + ", which is greater than max allowed: " + limit);
        }
        return asked;
    }

    private TokenIds allowedTokenIds(SamplingOptions options) {
        if (options.allowedTokenIds == null) {
            return TokenIds.empty();
        }
        if (options.allowedTokenIds.length == 0) {
            throw InvalidRequest.badValue("allowed_token_ids", "allowed_token_ids must not be empty.");
        }
        return inVocabulary("allowed_token_ids", options.allowedTokenIds);
    }

    private TokenIds inVocabulary(String name, int[] ids) {
        for (int id : ids) {
            checkId(name, id);
        }
        return TokenIds.of(ids);
    }

    void checkId(String name, int id) {
        if (id < 0 || id >= model.vocabSize()) {
            throw InvalidRequest.badValue(
                    name,
                    name + " contains token id " + id + ", which is out of vocabulary. Vocabulary size: "
                            + model.vocabSize());
        }
    }

    private LogitBias logitBias(Map<String, Double> given) {
        if (given.isEmpty()) {
            return LogitBias.none();
        }
        TreeMap<Integer, Double> byId = new TreeMap<>();
        given.forEach((key, bias) -> byId.put(biasedId(key), bias));
        int[] ids = new int[byId.size()];
        float[] biases = new float[byId.size()];
        int i = 0;
        for (Map.Entry<Integer, Double> entry : byId.entrySet()) {
            ids[i] = entry.getKey();
            biases[i++] = entry.getValue().floatValue();
        }
        return LogitBias.of(ids, biases);
    }

    private int biasedId(String key) {
        int id;
        try {
            id = Integer.parseInt(key.trim());
        } catch (NumberFormatException e) {
            throw InvalidRequest.badValue("logit_bias", "logit_bias key \"" + key + "\" is not a token id.");
        }
        checkId("logit_bias", id);
        return id;
    }
}
