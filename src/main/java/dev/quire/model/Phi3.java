package dev.quire.model;

import dev.quire.weights.ConfigJson;

/** Phi-3, 3.5 mini, Phi-4 and Phi-4 mini: fused projections, longrope, a partial rotary in the smallest. */
final class Phi3 {
    private Phi3() {}

    static ModelConfig config(String architecture, ConfigJson json) {
        return new DenseConfig(architecture, json)
                .defaultEpsilon(1e-5)
                .fusedQkv()
                .fusedMlp(WeightNames.GATE_UP, WeightNames.DOWN)
                .window(json.integer("sliding_window", 0))
                .build();
    }
}
