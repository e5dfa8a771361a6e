package dev.quire.model;

import dev.quire.model.ModelConfig.LayerKind;
import dev.quire.weights.ConfigJson;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** IBM's Granite 3 and 4, dense: a Llama with multipliers. */
final class Granite {
    private static final String THETAS = "layer_rope_theta";
    private static final int FULL_EVERY = 4;
    private static final int WINDOW = 128;

    private Granite() {}

    static ModelConfig config(String architecture, ConfigJson json) {
        return multiplied(architecture, json).biasAsWritten().build();
    }

    private static DenseConfig multiplied(String architecture, ConfigJson json) {
        return new DenseConfig(architecture, json)
                .attentionScale(json.number("attention_multiplier", 1))
                .scales(
                        json.number("embedding_multiplier", 1),
                        json.number("residual_multiplier", 1),
                        1 / json.number("logits_scaling", 1),
                        0);
    }

    /** Granite 4 Micro and smaller: the hybrid's class without its Mamba layers and experts. */
    static ModelConfig hybrid(String architecture, ConfigJson json) {
        if (json.integer("num_local_experts", 8) != 0) {
            throw json.error(
                    "num_local_experts", "is " + json.text("num_local_experts") + "; experts are not supported");
        }
        DenseConfig config = multiplied(architecture, json);
        for (int i = 0; i < config.numLayers; i++) {
            String type = i < json.stringList("layer_types").size()
                    ? json.stringList("layer_types").get(i)
                    : "mamba";
            if (!type.equals("attention") && !type.equals(LayerTypes.FULL)) {
                throw json.error("layer_types", "has \"" + type + "\"; only attention is supported");
            }
        }
        boolean attentionBias = json.bool("attention_bias", false);
        config.bias(attentionBias, attentionBias, false)
                .ffnSize(json.integer("shared_intermediate_size"))
                .fusedMlp("shared_mlp.input_linear", "shared_mlp.output_linear");
        String positions = json.string("position_embedding_type", "nope");
        switch (positions) {
            case "rope" -> {}
            case "nope" -> config.layers(i -> new LayerKind(0, null));
            default ->
                throw json.error(
                        "position_embedding_type", "\"" + positions + "\" is not supported; supported: rope, nope");
        }
        return config.build();
    }

    /** Granite with sliding windows: sinks, and a θ of its own for each layer, where 0 is none. */
    static ModelConfig sliding(String architecture, ConfigJson json) {
        DenseConfig config = multiplied(architecture, json)
                .biasAsWritten()
                .sinks()
                .tiedByDefault()
                .defaultEpsilon(1e-5);
        if (json.has("no_rope_layers")) {
            throw json.error("no_rope_layers", "is not read by " + architecture + "; " + THETAS + " says it");
        }
        LayerTypes types = LayerTypes.read(json, config.numLayers, WINDOW, i -> i % FULL_EVERY != 0);
        double[] thetas = json.numberList(THETAS);
        if (thetas.length > 0 && thetas.length < config.numLayers) {
            throw json.error(THETAS, "has " + thetas.length + " entries for " + config.numLayers + " layers");
        }
        ConfigJson parameters = json.ropeParameters();
        RopeSpec general = config.ropes().read(parameters);
        Map<Double, RopeSpec> byTheta = new HashMap<>();
        return config.layers(i -> {
                    @Nullable
                    RopeSpec rope = thetas.length == 0
                            ? general
                            : thetas[i] == 0
                                    ? null
                                    : byTheta.computeIfAbsent(
                                            thetas[i], theta -> config.ropes().withTheta(parameters, theta));
                    return new LayerKind(types.window(i), rope);
                })
                .build();
    }
}
