package dev.quire.weights.quant;

import dev.quire.weights.CheckpointException;
import dev.quire.weights.ConfigJson;
import dev.quire.weights.ModelFiles;
import java.util.List;
import java.util.Optional;

/**
 * Which modules of a checkpoint are quantized and how, as its {@code quant_method} says. What is not read is refused in one
 * line that says what is.
 */
public sealed interface QuantizationConfig permits CompressedTensors, NativeFp8, Gptq, Awq {
    /**
     * The scheme of a linear layer by its name in the checkpoint, such as {@code model.layers.0.self_attn.q_proj}; empty when
     * it is not quantized.
     */
    Optional<LinearScheme> schemeOf(String module);

    /** The scheme of an embedding matrix; empty when it is not quantized. */
    default Optional<LinearScheme> embeddingSchemeOf(String module) {
        return Optional.empty();
    }

    /** Whether the checkpoint was made for keys and values in FP8 E4M3, and may bring their scales. */
    default boolean kvCacheIsFp8() {
        return false;
    }

    /**
     * The description in a config.json, or in the {@code quantize_config.json} that older GPTQ and AWQ writers put beside it;
     * empty when there is none.
     *
     * @throws CheckpointException when it is not supported
     */
    static Optional<QuantizationConfig> from(ModelFiles files, ConfigJson config) {
        Optional<QuantizationConfig> inside = from(config);
        if (inside.isPresent()) {
            return inside;
        }
        for (String name : List.of("quantize_config.json", "quant_config.json")) {
            if (files.has(name)) {
                ConfigJson json = ConfigJson.read(files, name);
                boolean awq = json.has("w_bit") || json.has("zero_point");
                return Optional.of(parse(json, awq ? "awq" : "gptq"));
            }
        }
        return Optional.empty();
    }

    /** The description in a config.json, empty when it has none; throws {@link CheckpointException} when not supported. */
    static Optional<QuantizationConfig> from(ConfigJson config) {
        for (ConfigJson place : List.of(config, config.languageModel())) {
            for (String key : List.of("quantization_config", "compression_config")) {
                if (place.has(key)) {
                    ConfigJson json = place.object(key);
                    return Optional.of(parse(json, json.has("config_groups") ? "compressed-tensors" : "absent"));
                }
            }
        }
        return Optional.empty();
    }

    private static QuantizationConfig parse(ConfigJson json, String absent) {
        String method = json.string("quant_method", absent);
        return switch (method) {
            case "compressed-tensors" -> CompressedTensorsReader.read(json);
            case "fp8", "fbgemm_fp8" -> NativeFp8.read(json, method);
            case "gptq" -> Gptq.read(json);
            case "awq" -> Awq.read(json);
            default -> throw Refusal.of(json, "quant_method", method, "compressed-tensors, fp8, fbgemm_fp8, gptq, awq");
        };
    }
}
