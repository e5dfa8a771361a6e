package dev.quire.model;

import dev.quire.model.ModelConfig.LayerKind;
import dev.quire.model.ModelConfig.QkNorm;
import dev.quire.weights.ConfigJson;
import java.util.Map;

/** Gemma 2, and the text of Gemma 3: norms of 1 + w around both blocks, windows on most layers, scaled embeddings. */
final class Gemma {
    private static final String BIDIRECTIONAL = "use_bidirectional_attention";
    private static final int WINDOW = 4096;
    private static final double FULL_THETA = 1e6;
    private static final double SLIDING_THETA = 1e4;

    /** Gemma 3's config.json leaves out what transformers' class has by itself. */
    private static final Map<String, Integer> SIZES = Map.of(
            "vocab_size", 262_208,
            "hidden_size", 2304,
            "intermediate_size", 9216,
            "num_hidden_layers", 26,
            "num_attention_heads", 8,
            "num_key_value_heads", 4,
            "head_dim", 256,
            "max_position_embeddings", 131_072);

    private Gemma() {}

    /** Every other layer slides, the first one too; scores and logits are capped. */
    static ModelConfig gemma2(String architecture, ConfigJson json) {
        DenseConfig config = common(new DenseConfig(architecture, json, Map.of("head_dim", 256)), json, 30, 50);
        LayerTypes types = LayerTypes.read(json, config.numLayers, WINDOW, i -> i % 2 == 0);
        RopeSpec rope = config.ropes().read(json.ropeParameters());
        return config.layers(i -> new LayerKind(types.window(i), rope)).build();
    }

    static ModelConfig gemma3(String architecture, ConfigJson json) {
        return gemma3(architecture, json, json);
    }

    /** The language model of a checkpoint that sees images too. */
    static ModelConfig multimodal(String architecture, ConfigJson json) {
        return gemma3(architecture, json.languageModel(), json);
    }

    /** Five layers that slide, with a rope of their own, to one that sees all. */
    private static ModelConfig gemma3(String architecture, ConfigJson json, ConfigJson outer) {
        DenseConfig config = common(new DenseConfig(architecture, json, SIZES), json, 0, 0);
        config.qkNorm(QkNorm.HEAD);
        if (outer != json) {
            config.partOf(outer);
        }
        int fullEvery = json.integer("sliding_window_pattern", 6);
        LayerTypes types = LayerTypes.read(json, config.numLayers, WINDOW, i -> (i + 1) % fullEvery != 0);
        RopeSpec full = config.defaultTheta(FULL_THETA).ropes().read(json.ropeParameters(LayerTypes.FULL));
        ConfigJson local = json.ropeParameters(LayerTypes.SLIDING);
        // Before transformers 5, rope_theta was the other layers' alone.
        boolean written = json.isObject("rope_parameters") || json.has("rope_local_base_freq");
        RopeReader ropes = config.defaultTheta(SLIDING_THETA).ropes();
        RopeSpec sliding = written ? ropes.read(local) : ropes.withTheta(local, SLIDING_THETA);
        return config.layers(i -> new LayerKind(types.window(i), types.isSliding(i) ? sliding : full))
                .build();
    }

    private static DenseConfig common(DenseConfig config, ConfigJson json, double logitCap, double scoreCap) {
        if (json.bool(BIDIRECTIONAL, false)) {
            throw json.error(BIDIRECTIONAL, "is true; only causal attention is supported");
        }
        boolean bias = json.bool("attention_bias", false);
        return config.bias(bias, bias, false)
                .gateKey("hidden_activation")
                .geluByDefault()
                .tiedByDefault()
                .addsOneToNorms()
                .norms(WeightNames.Norms.GEMMA)
                .attentionScale(1 / Math.sqrt(json.number("query_pre_attn_scalar", 256)))
                .attentionSoftCap(DenseConfig.offWhenNull(json, "attn_logit_softcapping", scoreCap))
                .scales(
                        Math.sqrt(config.hiddenSize),
                        1,
                        1,
                        DenseConfig.offWhenNull(json, "final_logit_softcapping", logitCap));
    }
}
