package dev.quire.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a checkpoint calls the matrices of a dense decoder, and by that which of them there are.
 *
 * @param roots what may stand before {@code embed_tokens}, {@code layers.} and {@code norm}, the usual first: a multimodal
 *     checkpoint holds its language model one level down
 * @param norms the norms of a layer
 * @param addsOneToNorms norms are stored without the 1 that their weight is added to
 * @param fusedQkv q, k and v are one matrix, {@code self_attn.qkv_proj}
 * @param fusedGateUp the one matrix of gate, then up; null when they are two
 * @param down the MLP's output projection
 */
public record WeightNames(
        List<Root> roots,
        Norms norms,
        boolean addsOneToNorms,
        boolean fusedQkv,
        @Nullable String fusedGateUp,
        String down) {

    static final String GATE_UP = "mlp.gate_up_proj";
    static final String DOWN = "mlp.down_proj";

    public WeightNames {
        roots = List.copyOf(roots);
    }

    /** Where the decoder's matrices stand, and where its output projection does. */
    public record Root(String decoder, String output) {}

    static final List<Root> PLAIN = List.of(new Root("model.", "lm_head"));
    static final List<Root> MULTIMODAL = List.of(
            new Root("model.language_model.", "lm_head"), new Root("language_model.model.", "language_model.lm_head"));

    /**
     * The norms of a layer by their names in the checkpoint; null where there is none.
     *
     * @param attentionInput before attention; without it, attention takes the residual stream as it is
     * @param attentionOutput of what attention adds to the residual stream
     * @param mlpInput before the MLP
     * @param mlpOutput of what the MLP adds
     */
    public record Norms(
            @Nullable String attentionInput,
            @Nullable String attentionOutput,
            @Nullable String mlpInput,
            @Nullable String mlpOutput) {
        /** Llama's: before both blocks. */
        static final Norms INPUTS = new Norms("input_layernorm", null, "post_attention_layernorm", null);
        /** OLMo 2's: behind both blocks. */
        static final Norms OUTPUTS = new Norms(null, "post_attention_layernorm", null, "post_feedforward_layernorm");

        static final Norms GEMMA = new Norms(
                "input_layernorm",
                "post_attention_layernorm",
                "pre_feedforward_layernorm",
                "post_feedforward_layernorm");
        static final Norms GLM4 = new Norms(
                "input_layernorm", "post_self_attn_layernorm", "post_attention_layernorm", "post_mlp_layernorm");
    }
}
