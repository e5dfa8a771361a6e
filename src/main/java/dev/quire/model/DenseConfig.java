package dev.quire.model;

import dev.quire.kernel.ActivationKernels.Gate;
import dev.quire.model.ModelConfig.Attention;
import dev.quire.model.ModelConfig.Bias;
import dev.quire.model.ModelConfig.Heads;
import dev.quire.model.ModelConfig.LayerKind;
import dev.quire.model.ModelConfig.QkNorm;
import dev.quire.model.ModelConfig.Scales;
import dev.quire.tensor.DType;
import dev.quire.weights.ConfigJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Reads what all dense decoders write alike into config.json, and takes from a family what differs. Without further calls
 * the model is a Llama: norms before the blocks, no bias, one rope, no window.
 */
final class DenseConfig {
    private static final String TIED = "tie_word_embeddings";

    private final String architecture;
    private final ConfigJson json;
    private final Map<String, Integer> defaults;
    final int hiddenSize;
    final int numLayers;
    final int maxPositions;
    private final Heads heads;
    private int ffnSize;
    private float scale;
    private float softCap;
    private boolean sinks;
    private QkNorm qkNorm = QkNorm.NONE;
    private Bias bias = new Bias(false, false, false);
    private Scales scales = new Scales(1, 1, 1, 0);
    private boolean tiedByDefault;
    private String gateKey = "hidden_act";
    private String defaultGate = "silu";
    private double defaultTheta = 10_000;
    private double defaultRotaryShare = 1;
    private double defaultEpsilon = 1e-6;
    private boolean interleaved;
    private @Nullable IntFunction<LayerKind> layers;
    private ConfigJson outer;
    private List<WeightNames.Root> roots = WeightNames.PLAIN;
    private WeightNames.Norms norms = WeightNames.Norms.INPUTS;
    private boolean addsOneToNorms;
    private boolean fusedQkv;
    private @Nullable String fusedGateUp;
    private String down = WeightNames.DOWN;

    /** @param json the language model's own object */
    DenseConfig(String architecture, ConfigJson json) {
        this(architecture, json, Map.of());
    }

    /** @param defaults sizes that the family's checkpoints leave out when they are these */
    DenseConfig(String architecture, ConfigJson json, Map<String, Integer> defaults) {
        this.architecture = architecture;
        this.json = json;
        outer = json;
        this.defaults = defaults;
        hiddenSize = positive("hidden_size");
        numLayers = positive("num_hidden_layers");
        maxPositions = positive("max_position_embeddings", 2048);
        int numHeads = positive("num_attention_heads");
        int numKvHeads = positive("num_key_value_heads", numHeads);
        if (numHeads % numKvHeads != 0) {
            throw json.error(
                    "num_key_value_heads", "is " + numKvHeads + ", which does not divide " + numHeads + " heads");
        }
        int headDim = positive("head_dim", hiddenSize / numHeads);
        if (headDim % 2 != 0) {
            throw json.error("head_dim", "is " + headDim + ", which is not even");
        }
        heads = new Heads(numHeads, numKvHeads, headDim);
        scale = (float) (1 / Math.sqrt(headDim));
    }

    /** A number that null turns off, and that the family sets when the key is absent. */
    static double offWhenNull(ConfigJson json, String key, double absent) {
        return json.has(key) ? json.number(key) : json.keys().contains(key) ? 0 : absent;
    }

    private int positive(String key) {
        return defaults.containsKey(key) ? positive(key, defaults.get(key)) : checked(key, json.integer(key));
    }

    private int positive(String key, int absent) {
        return checked(key, json.integer(key, defaults.getOrDefault(key, absent)));
    }

    private int checked(String key, int value) {
        if (value < 1) {
            throw json.error(key, "must be positive, is " + value);
        }
        return value;
    }

    /** {@code attention_bias} is for q, k, v and the output, {@code mlp_bias} for the MLP. */
    DenseConfig biasAsWritten() {
        boolean attention = json.bool("attention_bias", false);
        return bias(attention, attention, json.bool("mlp_bias", false));
    }

    DenseConfig bias(boolean qkv, boolean output, boolean mlp) {
        bias = new Bias(qkv, output, mlp);
        return this;
    }

    DenseConfig qkNorm(QkNorm kind) {
        qkNorm = kind;
        return this;
    }

    DenseConfig attentionScale(double value) {
        scale = (float) value;
        return this;
    }

    DenseConfig attentionSoftCap(double cap) {
        softCap = (float) cap;
        return this;
    }

    DenseConfig sinks() {
        sinks = true;
        return this;
    }

    /** What embeddings, block outputs and logits are multiplied by, and the cap of logits (0: none). */
    DenseConfig scales(double embedding, double residual, double logits, double logitSoftCap) {
        scales = new Scales((float) embedding, (float) residual, (float) logits, (float) logitSoftCap);
        return this;
    }

    DenseConfig tiedByDefault() {
        tiedByDefault = true;
        return this;
    }

    DenseConfig gateKey(String key) {
        gateKey = key;
        return this;
    }

    DenseConfig geluByDefault() {
        defaultGate = "gelu_pytorch_tanh";
        return this;
    }

    DenseConfig ffnSize(int size) {
        ffnSize = size;
        return this;
    }

    DenseConfig defaultEpsilon(double epsilon) {
        defaultEpsilon = epsilon;
        return this;
    }

    DenseConfig defaultTheta(double theta) {
        defaultTheta = theta;
        return this;
    }

    /** Rotates neighbouring dimensions, and a share of a head where config.json does not say. */
    DenseConfig interleavedRope(double defaultShare) {
        interleaved = true;
        defaultRotaryShare = defaultShare;
        return this;
    }

    DenseConfig norms(WeightNames.Norms names) {
        norms = names;
        return this;
    }

    DenseConfig addsOneToNorms() {
        addsOneToNorms = true;
        return this;
    }

    DenseConfig fusedQkv() {
        fusedQkv = true;
        return this;
    }

    DenseConfig fusedMlp(String gateUpName, String downName) {
        fusedGateUp = gateUpName;
        down = downName;
        return this;
    }

    /** The model is the language part of this one, which holds it one level down and may say type and tying for it. */
    DenseConfig partOf(ConfigJson multimodal) {
        outer = multimodal;
        roots = WeightNames.MULTIMODAL;
        return this;
    }

    /** Set the rope's switches before. */
    RopeReader ropes() {
        return new RopeReader(heads.headDim(), maxPositions, defaultTheta, defaultRotaryShare, interleaved);
    }

    DenseConfig layers(IntFunction<LayerKind> kindOfLayer) {
        layers = kindOfLayer;
        return this;
    }

    /** All layers with the general rope; this window (0: none). */
    DenseConfig window(int slidingWindow) {
        RopeSpec rope = ropes().read(json.ropeParameters());
        return layers(i -> new LayerKind(slidingWindow, rope));
    }

    ModelConfig build() {
        if (layers == null) {
            window(0);
        }
        List<LayerKind> kinds = new ArrayList<>();
        int reach = maxPositions;
        for (int i = 0; i < numLayers; i++) {
            LayerKind kind = layers.apply(i);
            kinds.add(kind);
            reach = Math.max(
                    reach, kind.rope() == null ? 0 : kind.rope().scaling().maxPositions());
        }
        return new ModelConfig(
                architecture,
                json.dtype().or(outer::dtype).orElse(DType.BF16),
                positive("vocab_size"),
                hiddenSize,
                ffnSize > 0 ? ffnSize : positive("intermediate_size"),
                reach,
                heads,
                new Attention(scale, softCap, sinks, qkNorm),
                kinds,
                bias,
                scales,
                gate(),
                (float) json.number("rms_norm_eps", defaultEpsilon),
                json.bool(TIED, outer.bool(TIED, tiedByDefault)),
                new WeightNames(roots, norms, addsOneToNorms, fusedQkv, fusedGateUp, down));
    }

    private Gate gate() {
        String act = json.string(gateKey, defaultGate);
        return switch (act) {
            case "silu", "swish" -> Gate.SILU;
            case "gelu_pytorch_tanh", "gelu_new" -> Gate.GELU_TANH;
            default ->
                throw json.error(gateKey, "\"" + act + "\" is not supported; supported: silu, gelu_pytorch_tanh");
        };
    }
}
