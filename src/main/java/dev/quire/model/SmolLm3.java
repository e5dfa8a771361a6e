package dev.quire.model;

import dev.quire.model.ModelConfig.LayerKind;
import dev.quire.weights.ConfigJson;
import java.util.List;

/** SmolLM3: a Llama whose every fourth layer has no positions. */
final class SmolLm3 {
    private static final String NO_ROPE = "no_rope_layers";

    private SmolLm3() {}

    static ModelConfig config(String architecture, ConfigJson json) {
        DenseConfig config = new DenseConfig(architecture, json)
                .biasAsWritten()
                .tiedByDefault()
                .defaultTheta(2e6);
        // 1: the layer has positions.
        List<Integer> written = json.intList(NO_ROPE);
        if (!written.isEmpty() && written.size() < config.numLayers) {
            throw json.error(NO_ROPE, "has " + written.size() + " entries for " + config.numLayers + " layers");
        }
        int interval = json.integer("no_rope_layer_interval", 4);
        boolean windows = json.bool("use_sliding_window", false);
        RopeSpec rope = config.ropes().read(json.ropeParameters());
        LayerTypes types = LayerTypes.read(
                json, config.numLayers, i -> windows && json.has("sliding_window") && !hasRope(written, interval, i));
        return config.layers(
                        i -> new LayerKind(windows ? types.window(i) : 0, hasRope(written, interval, i) ? rope : null))
                .build();
    }

    private static boolean hasRope(List<Integer> written, int interval, int layer) {
        return written.isEmpty() ? (layer + 1) % interval != 0 : written.get(layer) != 0;
    }
}
