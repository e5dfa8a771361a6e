package dev.quire.weights.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.quire.tensor.DType;
import java.util.List;

/** Writes the config.json that Hugging Face has for the model, from a GGUF file's metadata and tensors. */
final class GgufConfig {
    private static final String SLIDING_WINDOW = "sliding_window";
    /** llama.cpp knows Gemma's largest models, whose attention scale differs, by their layers. */
    private static final int LAYERS_OF_GEMMA_2_27B = 46;

    private static final int LAYERS_OF_GEMMA_3_27B = 62;
    private static final int GEMMA_3_PATTERN = 6;
    private static final int SMOLLM_3_PATTERN = 4;

    private final GgufModel model;
    private final GgufMetadata metadata;
    private final GgufRope rope;
    private final int numLayers;
    private final ObjectNode json = JsonNodeFactory.instance.objectNode();

    private GgufConfig(GgufModel model) {
        this.model = model;
        metadata = model.metadata();
        rope = new GgufRope(model);
        numLayers = integer("block_count") - integer("nextn_predict_layers", 0);
    }

    /** Throws {@link dev.quire.weights.CheckpointException} naming a key that is missing or not supported. */
    static ObjectNode json(GgufModel model) {
        return new GgufConfig(model).write();
    }

    private ObjectNode write() {
        if (integer("expert_count", 0) > 0) {
            throw metadata.error(model.key("expert_count"), "is not 0; experts are not supported");
        }
        architecture(model.architecture().className(), model.architecture().modelType());
        sizes();
        json.put("tie_word_embeddings", !model.tensors().containsKey("output.weight"));
        json.put("attention_bias", hasBias("attn_q") || hasBias("attn_qkv"));
        json.put("mlp_bias", hasBias("ffn_up"));
        json.put("hidden_act", "silu");
        json.put("dtype", dtype().torchName());
        json.set("rope_parameters", rope.parameters());
        switch (model.architecture()) {
            case MISTRAL3 -> mistral3();
            case QWEN2, QWEN3 -> json.put("use_sliding_window", false);
            case PHI3 -> phi3();
            case GEMMA2 -> gemma2();
            case GEMMA3 -> gemma3();
            case OLMO2 -> olmo();
            case GRANITE -> granite();
            case SMOLLM3 -> json.put("no_rope_layer_interval", SMOLLM_3_PATTERN);
            case LLAMA, GLM4 -> {}
        }
        return json;
    }

    private void architecture(String className, String modelType) {
        json.putArray("architectures").add(className);
        json.put("model_type", modelType);
    }

    private void sizes() {
        json.put("vocab_size", model.tensor("token_embd.weight").shape().intDim(0));
        json.put("hidden_size", integer("embedding_length"));
        json.put("intermediate_size", same("feed_forward_length"));
        json.put("num_hidden_layers", numLayers);
        json.put("num_attention_heads", same("attention.head_count"));
        boolean grouped = metadata.has(model.key("attention.head_count_kv"));
        json.put("num_key_value_heads", same(grouped ? "attention.head_count_kv" : "attention.head_count"));
        int headDim = model.headDim();
        if (integer("attention.value_length", headDim) != headDim) {
            throw metadata.error(
                    model.key("attention.value_length"),
                    "is " + integer("attention.value_length") + ", keys have " + headDim
                            + "; only equal widths are supported");
        }
        json.put("head_dim", headDim);
        json.put("max_position_embeddings", integer("context_length"));
        json.put("rms_norm_eps", GgufRope.shortest(metadata.number(model.key("attention.layer_norm_rms_epsilon"))));
    }

    /** The type of the plain matrices; float32 when all are quantized, for that is what the other tensors are. */
    private DType dtype() {
        for (String name : List.of("token_embd.weight", "blk.0.attn_q.weight", "blk.0.attn_qkv.weight")) {
            GgufTensor tensor = model.tensors().get(name);
            if (tensor != null && tensor.type().isPlain()) {
                return tensor.type().dtype();
            }
        }
        return DType.F32;
    }

    private boolean hasBias(String part) {
        return model.tensors().containsKey("blk.0." + part + ".bias");
    }

    /** Queries that grow with their position, or none: then it is a Mistral. */
    private void mistral3() {
        double growth = number("attention.temperature_scale", 0);
        if (growth == 0) {
            architecture("MistralForCausalLM", "mistral");
            json.putNull(SLIDING_WINDOW);
            return;
        }
        ((ObjectNode) json.get("rope_parameters")).put("llama_4_scaling_beta", growth);
    }

    private void phi3() {
        int window = integer("attention.sliding_window", 0);
        if (window > 0) {
            json.put(SLIDING_WINDOW, window);
        }
    }

    private void gemma2() {
        gemma(LAYERS_OF_GEMMA_2_27B);
        json.put("attn_logit_softcapping", number("attn_logit_softcapping", 50));
        json.put("final_logit_softcapping", number("final_logit_softcapping", 30));
        json.put(SLIDING_WINDOW, integer("attention.sliding_window"));
        layerTypes(new double[0], 2);
    }

    private void gemma3() {
        gemma(LAYERS_OF_GEMMA_3_27B);
        if (metadata.has(model.key("final_logit_softcapping"))) {
            json.put("final_logit_softcapping", number("final_logit_softcapping", 0));
        }
        String pattern = model.key("attention.sliding_window_pattern");
        boolean slides = integer("attention.sliding_window", 0) > 0;
        if (slides) {
            json.put(SLIDING_WINDOW, integer("attention.sliding_window"));
        }
        boolean listed = metadata.isArray(pattern);
        int fullEvery = listed || !slides ? 1 : metadata.integer(pattern, GEMMA_3_PATTERN);
        layerTypes(listed ? metadata.numbers(pattern) : new double[0], fullEvery);
        json.set("rope_parameters", rope.parametersByLayerType());
    }

    private void gemma(int layersOfLargest) {
        json.put("hidden_activation", "gelu_pytorch_tanh");
        int largest = integer("embedding_length") / same("attention.head_count");
        json.put("query_pre_attn_scalar", numLayers == layersOfLargest ? largest : model.headDim());
    }

    /** With a window it is OLMo 3. */
    private void olmo() {
        String pattern = model.key("attention.sliding_window_pattern");
        if (integer("attention.sliding_window", 0) == 0) {
            return;
        }
        architecture("Olmo3ForCausalLM", "olmo3");
        json.put(SLIDING_WINDOW, integer("attention.sliding_window"));
        layerTypes(metadata.numbers(pattern), 4);
        json.set("rope_parameters", rope.parametersByLayerType());
    }

    private void granite() {
        json.put("embedding_multiplier", number("embedding_scale", 1));
        json.put("residual_multiplier", number("residual_scale", 1));
        json.put("attention_multiplier", number("attention.scale", 1 / Math.sqrt(model.headDim())));
        json.put("logits_scaling", number("logit_scale", 1));
    }

    /**
     * Which layers have the window.
     *
     * @param listed not 0 for those, or empty: then every {@code fullEvery}-th layer has none
     */
    private void layerTypes(double[] listed, int fullEvery) {
        ArrayNode types = json.putArray("layer_types");
        for (int i = 0; i < numLayers; i++) {
            boolean sliding = i < listed.length ? listed[i] != 0 : (i + 1) % fullEvery != 0;
            types.add(sliding ? "sliding_attention" : "full_attention");
        }
    }

    /** A number of the architecture that some write once for each layer. */
    private int same(String name) {
        String key = model.key(name);
        if (!metadata.isArray(key)) {
            return metadata.integer(key);
        }
        double[] values = metadata.numbers(key);
        for (double value : values) {
            if (value != values[0]) {
                throw metadata.error(key, "differs by layer, which is not supported");
            }
        }
        if (values.length == 0) {
            throw metadata.error(key, "is empty");
        }
        return (int) values[0];
    }

    private int integer(String name) {
        return metadata.integer(model.key(name));
    }

    private int integer(String name, int absent) {
        return metadata.integer(model.key(name), absent);
    }

    private double number(String name, double absent) {
        return metadata.has(model.key(name)) ? GgufRope.shortest(metadata.number(model.key(name))) : absent;
    }
}
