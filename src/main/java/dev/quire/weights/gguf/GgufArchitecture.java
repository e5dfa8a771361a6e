package dev.quire.weights.gguf;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** An architecture of llama.cpp ({@code general.architecture}) and how it differs from Hugging Face's of the same weights. */
enum GgufArchitecture {
    LLAMA("LlamaForCausalLM", "llama", Norms.PRE, Rows.PERMUTED),
    MISTRAL3("Ministral3ForCausalLM", "ministral3", Norms.PRE, Rows.PERMUTED),
    QWEN2("Qwen2ForCausalLM", "qwen2", Norms.PRE, Rows.SAME),
    QWEN3("Qwen3ForCausalLM", "qwen3", Norms.PRE, Rows.SAME),
    PHI3("Phi3ForCausalLM", "phi3", Norms.PRE, Rows.SAME),
    GEMMA2("Gemma2ForCausalLM", "gemma2", Norms.BOTH_PLUS_ONE, Rows.SAME),
    GEMMA3("Gemma3ForCausalLM", "gemma3_text", Norms.BOTH_PLUS_ONE, Rows.SAME),
    OLMO2("Olmo2ForCausalLM", "olmo2", Norms.BOTH, Rows.SAME),
    GLM4("Glm4ForCausalLM", "glm4", Norms.GLM, Rows.SAME),
    GRANITE("GraniteForCausalLM", "granite", Norms.PRE, Rows.PERMUTED),
    SMOLLM3("SmolLM3ForCausalLM", "smollm3", Norms.PRE, Rows.PERMUTED);

    /** Where the norms are, which decides what Hugging Face calls them. */
    private enum Norms {
        PRE("post_attention_layernorm", "", ""),
        BOTH("pre_feedforward_layernorm", "post_attention_layernorm", "post_feedforward_layernorm"),
        /** Hugging Face multiplies by 1 + w; the converter writes the sum. */
        BOTH_PLUS_ONE("pre_feedforward_layernorm", "post_attention_layernorm", "post_feedforward_layernorm"),
        GLM("post_attention_layernorm", "post_self_attn_layernorm", "post_mlp_layernorm");

        private final String beforeMlp;
        private final String afterAttention;
        private final String afterMlp;

        Norms(String beforeMlp, String afterAttention, String afterMlp) {
            this.beforeMlp = beforeMlp;
            this.afterAttention = afterAttention;
            this.afterMlp = afterMlp;
        }
    }

    /** Whether rows of queries and keys are in the order of {@link RowOrder}. */
    private enum Rows {
        SAME,
        PERMUTED
    }

    private static final Map<String, String> PARTS = Map.ofEntries(
            Map.entry("attn_norm", "input_layernorm"),
            Map.entry("attn_q", "self_attn.q_proj"),
            Map.entry("attn_k", "self_attn.k_proj"),
            Map.entry("attn_v", "self_attn.v_proj"),
            Map.entry("attn_qkv", "self_attn.qkv_proj"),
            Map.entry("attn_output", "self_attn.o_proj"),
            Map.entry("attn_q_norm", "self_attn.q_norm"),
            Map.entry("attn_k_norm", "self_attn.k_norm"),
            Map.entry("ffn_gate", "mlp.gate_proj"),
            Map.entry("ffn_up", "mlp.up_proj"),
            Map.entry("ffn_down", "mlp.down_proj"));

    private static final Map<String, String> OUTSIDE =
            Map.of("token_embd", "model.embed_tokens", "output_norm", "model.norm", "output", "lm_head");

    private final String className;
    private final String modelType;
    private final Norms norms;
    private final Rows rows;

    GgufArchitecture(String className, String modelType, Norms norms, Rows rows) {
        this.className = className;
        this.modelType = modelType;
        this.norms = norms;
        this.rows = rows;
    }

    /** The architecture of a file; throws {@link dev.quire.weights.CheckpointException} listing the known ones. */
    static GgufArchitecture of(GgufMetadata metadata) {
        String name = metadata.string("general.architecture");
        for (GgufArchitecture architecture : values()) {
            if (architecture.prefix().equals(name)) {
                return architecture;
            }
        }
        throw metadata.error(
                "general.architecture",
                "\"" + name + "\" is not supported; supported: "
                        + Arrays.stream(values()).map(GgufArchitecture::prefix).collect(Collectors.joining(", ")));
    }

    /** What its metadata keys begin with. */
    String prefix() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The class of transformers. */
    String className() {
        return className;
    }

    /** {@code model_type} of transformers. */
    String modelType() {
        return modelType;
    }

    /** Whether {@code attn_q} and {@code attn_k} have their rows in the order of {@link RowOrder}. */
    boolean permutesQueryAndKey() {
        return rows == Rows.PERMUTED;
    }

    /** Whether a norm's weight in the file is one more than Hugging Face's. */
    boolean addsOneToNorms() {
        return norms == Norms.BOTH_PLUS_ONE;
    }

    /**
     * Hugging Face's name of a tensor, such as {@code model.layers.0.self_attn.q_proj.weight}; the file's own for a tensor
     * without one.
     *
     * @param gateIsFused the layer has no {@code ffn_gate}: its {@code ffn_up} holds gate and up, in this order
     */
    String huggingFaceName(String name, boolean gateIsFused) {
        int dot = name.lastIndexOf('.');
        String layer = dot < 0 ? name : name.substring(0, dot);
        String suffix = name.substring(layer.length());
        if (!layer.startsWith("blk.")) {
            return OUTSIDE.getOrDefault(layer, layer) + suffix;
        }
        int part = layer.indexOf('.', 4);
        if (part < 0) {
            return name;
        }
        String hf = part(layer.substring(part + 1), gateIsFused);
        return hf.isEmpty() ? name : "model.layers." + layer.substring(4, part) + "." + hf + suffix;
    }

    private String part(String name, boolean gateIsFused) {
        return switch (name) {
            case "ffn_norm" -> norms.beforeMlp;
            case "post_attention_norm" -> norms.afterAttention;
            case "post_ffw_norm" -> norms.afterMlp;
            case "ffn_up" -> gateIsFused ? "mlp.gate_up_proj" : "mlp.up_proj";
            default -> PARTS.getOrDefault(name, "");
        };
    }
}
