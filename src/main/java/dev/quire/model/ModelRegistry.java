package dev.quire.model;

import dev.quire.weights.ConfigJson;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Which architectures can be served, and how each reads its config.json. */
public final class ModelRegistry {
    /** One family's reading of config.json: of all of it, or of the language model's part. */
    interface Family {
        ModelConfig config(String architecture, ConfigJson json);
    }

    private static final Map<String, Family> TEXT = new TreeMap<>(Map.ofEntries(
            Map.entry("LlamaForCausalLM", Llama::config),
            Map.entry("MistralForCausalLM", Mistral::config),
            Map.entry("MinistralForCausalLM", Mistral::ministral),
            Map.entry("Ministral3ForCausalLM", Mistral::ministral3),
            Map.entry("GraniteForCausalLM", Granite::config),
            Map.entry("GraniteMoeHybridForCausalLM", Granite::hybrid),
            Map.entry("GraniteSWAForCausalLM", Granite::sliding),
            Map.entry("Qwen2ForCausalLM", Qwen::qwen2),
            Map.entry("Qwen3ForCausalLM", Qwen::qwen3),
            Map.entry("Phi3ForCausalLM", Phi3::config),
            Map.entry("Gemma2ForCausalLM", Gemma::gemma2),
            Map.entry("Gemma3ForCausalLM", Gemma::gemma3),
            Map.entry("Olmo2ForCausalLM", Olmo::olmo2),
            Map.entry("Olmo3ForCausalLM", Olmo::olmo3),
            Map.entry("GlmForCausalLM", Glm::glm),
            Map.entry("Glm4ForCausalLM", Glm::glm4),
            Map.entry("SmolLM3ForCausalLM", SmolLm3::config)));

    /** Of these the language model is served; they are given all of config.json. */
    private static final Map<String, Family> MULTIMODAL = Map.of(
            "Gemma3ForConditionalGeneration", Gemma::multimodal,
            "Mistral3ForConditionalGeneration", Mistral::multimodal);

    private ModelRegistry() {}

    /** The class names that {@link #config} knows, in order. */
    public static SortedSet<String> architectures() {
        SortedSet<String> names = new TreeSet<>(TEXT.keySet());
        names.addAll(MULTIMODAL.keySet());
        return names;
    }

    /**
     * Reads a model's switches.
     *
     * @throws dev.quire.weights.CheckpointException in one line: an unknown architecture (and which are known), or a bad
     *     value
     */
    public static ModelConfig config(ConfigJson json) {
        List<String> architectures = json.architectures();
        for (String architecture : architectures) {
            if (TEXT.containsKey(architecture)) {
                return TEXT.get(architecture).config(architecture, json.languageModel());
            }
            if (MULTIMODAL.containsKey(architecture)) {
                return MULTIMODAL.get(architecture).config(architecture, json);
            }
        }
        String found = architectures.isEmpty() ? "is missing" : architectures + " is not supported";
        throw json.error("architectures", found + "; supported: " + String.join(", ", architectures()));
    }
}
