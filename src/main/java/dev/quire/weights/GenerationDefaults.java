package dev.quire.weights;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the model's makers set for generation: generation_config.json over config.json. Null where they set nothing.
 *
 * @param eosTokenIds every id that ends a generation, from both files, those of generation_config.json first; may be empty
 */
public record GenerationDefaults(
        @Nullable Double temperature,
        @Nullable Double topP,
        @Nullable Integer topK,
        @Nullable Double minP,
        @Nullable Double repetitionPenalty,
        @Nullable Integer maxNewTokens,
        List<Integer> eosTokenIds,
        @Nullable Integer bosTokenId,
        @Nullable Integer padTokenId) {

    public GenerationDefaults {
        eosTokenIds = List.copyOf(eosTokenIds);
    }

    /** Reads both files; generation_config.json may be missing. Throws {@link CheckpointException}. */
    public static GenerationDefaults read(ModelFiles files) {
        return of(ConfigJson.read(files, "config.json"), ConfigJson.readIfPresent(files, "generation_config.json"));
    }

    static GenerationDefaults of(ConfigJson config, ConfigJson generation) {
        ConfigJson model = config.languageModel();
        Set<Integer> eos = new LinkedHashSet<>(generation.intList("eos_token_id"));
        eos.addAll(model.intList("eos_token_id"));
        eos.addAll(config.intList("eos_token_id"));
        return new GenerationDefaults(
                number(generation, "temperature"),
                number(generation, "top_p"),
                integer(generation, "top_k"),
                number(generation, "min_p"),
                number(generation, "repetition_penalty"),
                integer(generation, "max_new_tokens"),
                new ArrayList<>(eos),
                firstOf("bos_token_id", generation, model, config),
                firstOf("pad_token_id", generation, model, config));
    }

    private static @Nullable Double number(ConfigJson json, String key) {
        return json.has(key) ? (Double) json.number(key) : null;
    }

    private static @Nullable Integer integer(ConfigJson json, String key) {
        return json.has(key) ? (Integer) json.integer(key) : null;
    }

    private static @Nullable Integer firstOf(String key, ConfigJson... places) {
        for (ConfigJson place : places) {
            List<Integer> ids = place.intList(key);
            if (!ids.isEmpty()) {
                return ids.get(0);
            }
        }
        return null;
    }
}
