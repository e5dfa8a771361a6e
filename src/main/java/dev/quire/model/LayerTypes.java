package dev.quire.model;

import dev.quire.weights.ConfigJson;
import java.util.List;
import java.util.function.IntPredicate;

/** Which layers have a sliding window: {@code layer_types}, or a family's rule where config.json does not say. */
final class LayerTypes {
    static final String FULL = "full_attention";
    static final String SLIDING = "sliding_attention";

    private static final String WINDOW = "sliding_window";

    private final boolean[] sliding;
    private final int window;

    private LayerTypes(boolean[] sliding, int window) {
        this.sliding = sliding;
        this.window = window;
    }

    /** @param byRule whether layer i slides, when there are no {@code layer_types} */
    static LayerTypes read(ConfigJson json, int numLayers, IntPredicate byRule) {
        return read(json, numLayers, 0, byRule);
    }

    /** @param absentWindow what {@code sliding_window} is when the key is absent; 0: it must be there */
    static LayerTypes read(ConfigJson json, int numLayers, int absentWindow, IntPredicate byRule) {
        boolean[] sliding = new boolean[numLayers];
        List<String> types = json.stringList("layer_types");
        if (!types.isEmpty() && types.size() < numLayers) {
            throw json.error("layer_types", "has " + types.size() + " entries for " + numLayers + " layers");
        }
        boolean any = false;
        for (int i = 0; i < numLayers; i++) {
            sliding[i] = types.isEmpty() ? byRule.test(i) : isSliding(json, types.get(i));
            any |= sliding[i];
        }
        int window = any ? (int) DenseConfig.offWhenNull(json, WINDOW, absentWindow) : 0;
        if (any && window < 1) {
            throw json.error(WINDOW, "is " + json.text(WINDOW) + ", but some layers have one");
        }
        return new LayerTypes(sliding, window);
    }

    private static boolean isSliding(ConfigJson json, String type) {
        return switch (type) {
            case FULL -> false;
            case SLIDING -> true;
            default ->
                throw json.error(
                        "layer_types", "\"" + type + "\" is not supported; supported: " + FULL + ", " + SLIDING);
        };
    }

    boolean isSliding(int layer) {
        return sliding[layer];
    }

    /** The window of a layer; 0: none. */
    int window(int layer) {
        return sliding[layer] ? window : 0;
    }
}
