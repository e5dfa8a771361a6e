package dev.quire.model;

import dev.quire.weights.ConfigJson;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Which architectures can be served, and how each reads its config.json. */
public final class ModelRegistry {
    /** One family's reading of config.json. */
    interface Family {
        ModelConfig config(String architecture, ConfigJson json);
    }

    private static final Map<String, Family> FAMILIES = new TreeMap<>(Map.of("LlamaForCausalLM", Llama::config));

    private ModelRegistry() {}

    /**
     * Reads a model's switches.
     *
     * @throws dev.quire.weights.CheckpointException in one line: an unknown architecture (and which are known), or a bad
     *     value
     */
    public static ModelConfig config(ConfigJson json) {
        List<String> architectures = json.architectures();
        for (String architecture : architectures) {
            Family family = FAMILIES.get(architecture);
            if (family != null) {
                return family.config(architecture, json.languageModel());
            }
        }
        throw json.error("architectures", architectures + " is not supported; supported: " + FAMILIES.keySet());
    }
}
