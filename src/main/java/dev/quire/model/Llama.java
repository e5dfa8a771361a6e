package dev.quire.model;

import dev.quire.kernel.ActivationKernels.Gate;
import dev.quire.tensor.DType;
import dev.quire.weights.ConfigJson;

/** Llama 2, 3, 3.1, 3.2, 3.3 and everything that calls itself {@code LlamaForCausalLM}. */
final class Llama {
    private Llama() {}

    static ModelConfig config(String architecture, ConfigJson json) {
        int hidden = positive(json, "hidden_size");
        int numHeads = positive(json, "num_attention_heads");
        int numKvHeads = json.integer("num_key_value_heads", numHeads);
        if (numKvHeads < 1 || numHeads % numKvHeads != 0) {
            throw json.error(
                    "num_key_value_heads", "is " + numKvHeads + ", which does not divide " + numHeads + " heads");
        }
        int headDim = json.integer("head_dim", hidden / numHeads);
        if (headDim < 2 || headDim % 2 != 0) {
            throw json.error("head_dim", "is " + headDim + ", which is not even and positive");
        }
        boolean attentionBias = json.bool("attention_bias", false);
        return new ModelConfig(
                architecture,
                json.dtype().orElse(DType.BF16),
                positive(json, "vocab_size"),
                hidden,
                positive(json, "intermediate_size"),
                positive(json, "num_hidden_layers"),
                numHeads,
                numKvHeads,
                headDim,
                json.integer("max_position_embeddings", 2048),
                (float) json.number("rms_norm_eps", 1e-6),
                gate(json),
                RopeSpec.table(json.ropeParameters(), headDim),
                (float) (1 / Math.sqrt(headDim)),
                attentionBias,
                attentionBias,
                json.bool("mlp_bias", false),
                json.bool("tie_word_embeddings", false),
                0,
                1f,
                1f);
    }

    private static Gate gate(ConfigJson json) {
        String act = json.string("hidden_act", "silu");
        return switch (act) {
            case "silu", "swish" -> Gate.SILU;
            case "gelu_pytorch_tanh", "gelu_new" -> Gate.GELU_TANH;
            default ->
                throw json.error("hidden_act", "\"" + act + "\" is not supported; supported: silu, gelu_pytorch_tanh");
        };
    }

    private static int positive(ConfigJson json, String key) {
        int value = json.integer(key);
        if (value < 1) {
            throw json.error(key, "must be positive, is " + value);
        }
        return value;
    }
}
