package dev.quire.model;

import dev.quire.model.ModelConfig.LayerKind;
import dev.quire.weights.ConfigJson;
import java.util.List;

/** Mistral 7B to Small 3, Nemo, and the Ministrals: a Llama, with a window on all layers or some. */
final class Mistral {
    private static final String TYPES = "layer_types";
    /** transformers' default, where config.json has no {@code sliding_window}; null there turns it off. */
    private static final int WINDOW = 4096;

    private Mistral() {}

    /** One window for all layers. */
    static ModelConfig config(String architecture, ConfigJson json) {
        List<String> types = json.stringList(TYPES);
        if (types.stream().distinct().count() > 1) {
            throw json.error(
                    TYPES,
                    "mixes types, which " + architecture + " does not read in transformers; MinistralForCausalLM does");
        }
        return new DenseConfig(architecture, json).window(window(json)).build();
    }

    private static int window(ConfigJson json) {
        return (int) DenseConfig.offWhenNull(json, "sliding_window", WINDOW);
    }

    /** Ministral 8B: windows by layer. */
    static ModelConfig ministral(String architecture, ConfigJson json) {
        DenseConfig config = new DenseConfig(architecture, json);
        boolean all = window(json) > 0;
        LayerTypes types = LayerTypes.read(json, config.numLayers, WINDOW, i -> all);
        RopeSpec rope = config.ropes().read(json.ropeParameters());
        return config.layers(i -> new LayerKind(types.window(i), rope)).build();
    }

    /** Ministral 3: yarn, and queries that grow with their position. */
    static ModelConfig ministral3(String architecture, ConfigJson json) {
        return growing(new DenseConfig(architecture, json), json);
    }

    private static ModelConfig growing(DenseConfig config, ConfigJson json) {
        return config.defaultEpsilon(1e-5)
                .window(json.integer("sliding_window", 0))
                .build();
    }

    /** The language model of Small 3.1 and Ministral 3, whose checkpoints see images too. */
    static ModelConfig multimodal(String architecture, ConfigJson json) {
        ConfigJson text = json.languageModel();
        DenseConfig config = new DenseConfig(architecture, text).partOf(json);
        String type = text.modelType();
        return switch (type) {
            case "mistral" -> config.window(window(text)).build();
            case "ministral3" -> growing(config, text);
            default ->
                throw text.error("model_type", "\"" + type + "\" is not supported; supported: mistral, ministral3");
        };
    }
}
