package dev.quire.weights.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.quire.weights.CheckpointException;

/** A GGUF file's rotary parameters as transformers' {@code rope_parameters}. */
final class GgufRope {
    private static final double DEFAULT_THETA = 10_000;
    private static final String ORIGINAL = "original_max_position_embeddings";
    /** Of all Llama 3 models; what llama.cpp's converter makes {@code rope_freqs} with. */
    private static final int LLAMA_3_ORIGINAL = 8192;

    private static final double LLAMA_3_LOW = 1;
    private static final double LLAMA_3_HIGH = 4;
    private static final double MAX_FACTOR_ERROR = 1e-4;

    private final GgufModel model;
    private final GgufMetadata metadata;
    private final double theta;

    GgufRope(GgufModel model) {
        this.model = model;
        metadata = model.metadata();
        theta = number("rope.freq_base", DEFAULT_THETA);
    }

    /** A float32 as the number somebody wrote: 1e-5, not 9.99999974737875e-6. */
    static double shortest(double value) {
        return value == (float) value ? Double.parseDouble(Float.toString((float) value)) : value;
    }

    ObjectNode parameters() {
        ObjectNode rope = JsonNodeFactory.instance.objectNode();
        rope.put("rope_theta", theta);
        int headDim = model.headDim();
        int rotaryDim = metadata.integer(model.key("rope.dimension_count"), headDim);
        if (rotaryDim != headDim || model.architecture() == GgufArchitecture.GLM4) {
            rope.put("partial_rotary_factor", share(rotaryDim, headDim));
        }
        if (model.tensors().containsKey("rope_freqs.weight")) {
            return perDimension(rope, rotaryDim);
        }
        if (model.tensors().containsKey("rope_factors_long.weight")) {
            return longRope(rope);
        }
        String type = metadata.string(model.key("rope.scaling.type"), "none");
        return switch (type) {
            case "none" -> rope.put("rope_type", "default");
            case "linear" -> rope.put("rope_type", "linear").put("factor", number("rope.scaling.factor", 1));
            case "yarn" -> yarn(rope);
            case "longrope" ->
                throw metadata.error(model.key("rope.scaling.type"), "is longrope, but rope_factors_long is missing");
            default ->
                throw metadata.error(
                        model.key("rope.scaling.type"),
                        "\"" + type + "\" is not supported; supported: none, linear, yarn, longrope");
        };
    }

    /** One object for layers with a window, which are never scaled, and one for those without. */
    ObjectNode parametersByLayerType() {
        ObjectNode types = JsonNodeFactory.instance.objectNode();
        types.set("full_attention", parameters());
        boolean gemma = model.architecture() == GgufArchitecture.GEMMA3;
        types.putObject("sliding_attention")
                .put("rope_type", "default")
                .put("rope_theta", number("rope.freq_base_swa", gemma ? DEFAULT_THETA : theta));
        return types;
    }

    /** The share of a head that, multiplied by its width and cut to an integer, is the rotated part again. */
    private static double share(int rotaryDim, int headDim) {
        double share = (double) rotaryDim / headDim;
        return (int) (headDim * share) < rotaryDim ? Math.nextUp(share) : share;
    }

    private ObjectNode yarn(ObjectNode rope) {
        rope.put("rope_type", "yarn");
        rope.put("factor", number("rope.scaling.factor", 1));
        copy(rope, ORIGINAL, "rope.scaling.original_context_length");
        copy(rope, "beta_fast", "rope.scaling.yarn_beta_fast");
        copy(rope, "beta_slow", "rope.scaling.yarn_beta_slow");
        copy(rope, "attention_factor", "rope.scaling.yarn_attn_factor");
        double mscale = number("rope.scaling.yarn_log_multiplier", 0);
        if (mscale != 0) {
            rope.put("mscale", 1).put("mscale_all_dim", mscale);
        }
        return rope;
    }

    private ObjectNode longRope(ObjectNode rope) {
        rope.put("rope_type", "longrope");
        copy(rope, ORIGINAL, "rope.scaling.original_context_length");
        copy(rope, "attention_factor", "rope.scaling.attn_factor");
        add(rope, "long_factor", "rope_factors_long.weight");
        add(rope, "short_factor", "rope_factors_short.weight");
        return rope;
    }

    /**
     * {@code rope_freqs}: a divisor for each frequency. Where they are Llama 3's, its rope type says the same without their
     * rounding.
     */
    private ObjectNode perDimension(ObjectNode rope, int rotaryDim) {
        float[] divisors =
                model.tensor("rope_freqs.weight").plain("rope_freqs.weight").toFloats();
        if (divisors.length != rotaryDim / 2) {
            throw CheckpointException.ofTensor(
                    metadata.file(),
                    "rope_freqs.weight",
                    "has " + divisors.length + " values, " + rotaryDim / 2 + " are needed");
        }
        double factor = divisors[divisors.length - 1];
        if (isLlama3(divisors, factor)) {
            return rope.put("rope_type", "llama3")
                    .put("factor", factor)
                    .put("low_freq_factor", LLAMA_3_LOW)
                    .put("high_freq_factor", LLAMA_3_HIGH)
                    .put(ORIGINAL, LLAMA_3_ORIGINAL);
        }
        rope.put("rope_type", "longrope").put("attention_factor", 1);
        rope.put(ORIGINAL, metadata.integer(model.key("context_length")));
        add(rope, "long_factor", "rope_freqs.weight");
        add(rope, "short_factor", "rope_freqs.weight");
        return rope;
    }

    private boolean isLlama3(float[] divisors, double factor) {
        for (int j = 0; j < divisors.length; j++) {
            double wavelength = 2 * Math.PI * Math.pow(theta, (double) j / divisors.length);
            double expected = factor;
            if (wavelength < LLAMA_3_ORIGINAL / LLAMA_3_HIGH) {
                expected = 1;
            } else if (wavelength <= LLAMA_3_ORIGINAL / LLAMA_3_LOW) {
                double smooth = (LLAMA_3_ORIGINAL / wavelength - LLAMA_3_LOW) / (LLAMA_3_HIGH - LLAMA_3_LOW);
                expected = 1 / ((1 - smooth) / factor + smooth);
            }
            if (Math.abs(divisors[j] / expected - 1) > MAX_FACTOR_ERROR) {
                return false;
            }
        }
        return true;
    }

    private void add(ObjectNode rope, String key, String tensor) {
        ArrayNode values = rope.putArray(key);
        for (float value : model.tensor(tensor).plain(tensor).toFloats()) {
            values.add(shortest(value));
        }
    }

    private void copy(ObjectNode rope, String key, String name) {
        if (!metadata.has(model.key(name))) {
            return;
        }
        double value = shortest(metadata.number(model.key(name)));
        if (value == Math.rint(value)) {
            rope.put(key, (long) value);
        } else {
            rope.put(key, value);
        }
    }

    private double number(String name, double absent) {
        return metadata.has(model.key(name)) ? shortest(metadata.number(model.key(name))) : absent;
    }
}
