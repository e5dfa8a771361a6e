package dev.quire.model;

import dev.quire.weights.ConfigJson;

/** Llama 2, 3, 3.1, 3.2, 3.3, SmolLM and everything else that calls itself {@code LlamaForCausalLM}, such as Yi. */
final class Llama {
    private Llama() {}

    static ModelConfig config(String architecture, ConfigJson json) {
        return new DenseConfig(architecture, json).biasAsWritten().build();
    }
}
