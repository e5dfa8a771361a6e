package dev.quire.model;

import dev.quire.model.ModelConfig.LayerKind;
import dev.quire.model.ModelConfig.QkNorm;
import dev.quire.weights.ConfigJson;

/** Qwen 2, 2.5 and QwQ (bias on q, k, v), and dense Qwen 3 (norms on the heads of q and k). */
final class Qwen {
    private Qwen() {}

    static ModelConfig qwen2(String architecture, ConfigJson json) {
        return windows(new DenseConfig(architecture, json).bias(true, false, false), json)
                .build();
    }

    static ModelConfig qwen3(String architecture, ConfigJson json) {
        return windows(new DenseConfig(architecture, json).biasAsWritten().qkNorm(QkNorm.HEAD), json)
                .build();
    }

    /** The first {@code max_window_layers} see all, if there is a window at all. */
    private static DenseConfig windows(DenseConfig config, ConfigJson json) {
        if (!json.bool("use_sliding_window", false)) {
            if (json.stringList("layer_types").contains(LayerTypes.SLIDING)) {
                throw json.error("layer_types", "has " + LayerTypes.SLIDING + " though use_sliding_window is false");
            }
            return config;
        }
        int firstSliding = json.integer("max_window_layers", 28);
        boolean any = json.has("sliding_window");
        LayerTypes types = LayerTypes.read(json, config.numLayers, i -> any && i >= firstSliding);
        RopeSpec rope = config.ropes().read(json.ropeParameters());
        return config.layers(i -> new LayerKind(types.window(i), rope));
    }
}
