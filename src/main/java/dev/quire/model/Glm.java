package dev.quire.model;

import dev.quire.weights.ConfigJson;

/** GLM-4: rotates neighbours in half of each head; the 0414 models have norms around both blocks. */
final class Glm {
    private static final double ROTARY_SHARE = 0.5;
    private static final double EPSILON = 1.5625e-7;

    private Glm() {}

    /** GLM-4 9B. */
    static ModelConfig glm(String architecture, ConfigJson json) {
        return common(architecture, json).build();
    }

    /** GLM-4 and GLM-Z1 of April 2025. */
    static ModelConfig glm4(String architecture, ConfigJson json) {
        return common(architecture, json).norms(WeightNames.Norms.GLM4).build();
    }

    private static DenseConfig common(String architecture, ConfigJson json) {
        return new DenseConfig(architecture, json)
                .bias(json.bool("attention_bias", true), false, false)
                .defaultEpsilon(EPSILON)
                .interleavedRope(ROTARY_SHARE)
                .fusedMlp(WeightNames.GATE_UP, WeightNames.DOWN);
    }
}
