package dev.quire.model;

import dev.quire.model.ModelConfig.LayerKind;
import dev.quire.model.ModelConfig.QkNorm;
import dev.quire.weights.ConfigJson;

/** AllenAI's OLMo 2 and 3: norms behind the blocks instead of before, and over all of q and all of k. */
final class Olmo {
    private static final int FULL_EVERY = 4;
    private static final int WINDOW = 4096;

    private Olmo() {}

    static ModelConfig olmo2(String architecture, ConfigJson json) {
        return common(architecture, json).build();
    }

    /** Three layers that slide to one that sees all; only that one's rope may be scaled. */
    static ModelConfig olmo3(String architecture, ConfigJson json) {
        DenseConfig config = common(architecture, json).defaultTheta(5e5);
        LayerTypes types = LayerTypes.read(json, config.numLayers, WINDOW, i -> (i + 1) % FULL_EVERY != 0);
        RopeSpec full = config.ropes().read(json.ropeParameters(LayerTypes.FULL));
        RopeSpec sliding = config.ropes().read(json.ropeParameters(LayerTypes.SLIDING));
        return config.layers(i -> new LayerKind(types.window(i), types.isSliding(i) ? sliding : full))
                .build();
    }

    private static DenseConfig common(String architecture, ConfigJson json) {
        boolean bias = json.bool("attention_bias", false);
        return new DenseConfig(architecture, json)
                .bias(bias, bias, false)
                .defaultEpsilon(1e-5)
                .qkNorm(QkNorm.FULL)
                .norms(WeightNames.Norms.OUTPUTS);
    }
}
