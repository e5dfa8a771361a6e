package dev.quire.weights.quant;

import dev.quire.tensor.ActivationScheme.Kind;
import dev.quire.tensor.QuantizedMatrix.Codes;
import dev.quire.weights.ConfigJson;
import java.util.List;
import java.util.Optional;

/**
 * {@code quant_method: fp8}, as DeepSeek, Qwen and Mistral publish, and {@code fbgemm_fp8}: all linear layers but the named
 * ones in FP8 E4M3, with a scale for each block of 128 × 128 weights, or for a matrix, or (fbgemm) for a row.
 *
 * @param scheme of every layer
 * @param plain modules left as they were
 */
record NativeFp8(LinearScheme scheme, ModuleNames plain, ModuleNames ignored) implements QuantizationConfig {
    static NativeFp8 read(ConfigJson json, String method) {
        String format = json.string("fmt", "e4m3");
        if (!format.equals("e4m3") && !format.equals("float8_e4m3fn")) {
            throw Refusal.of(json, "fmt", format, "e4m3");
        }
        return new NativeFp8(
                method.equals("fp8") ? scheme(json) : rowScheme(),
                ModuleNames.read(json, "modules_to_not_convert"),
                ModuleNames.read(json, "ignored_layers"));
    }

    /** {@code activation_scale_ub}, a bound on dynamic scales, is not applied. */
    private static LinearScheme rowScheme() {
        return new ByteScheme(Codes.E4M3, 1, 0, true, "weight_scale", InputScheme.dynamic(Kind.E4M3, 0));
    }

    private static LinearScheme scheme(ConfigJson json) {
        String activations = json.string("activation_scheme", "dynamic");
        if (!activations.equals("dynamic") && !activations.equals("static")) {
            throw Refusal.of(json, "activation_scheme", activations, "dynamic, static");
        }
        boolean dynamic = activations.equals("dynamic");
        if (json.has("weight_block_size")) {
            List<Integer> block = CompressedTensorsReader.blockStructure(json, "weight_block_size");
            if (!dynamic) {
                throw Refusal.of(json, "activation_scheme", activations, "dynamic, with weight_block_size");
            }
            // Inputs are rounded by groups as wide as the blocks.
            InputScheme input = InputScheme.dynamic(Kind.E4M3, block.get(1));
            return new ByteScheme(Codes.E4M3, block.get(0), block.get(1), true, "weight_scale_inv", input);
        }
        InputScheme input = dynamic ? InputScheme.dynamic(Kind.E4M3, 0) : new InputScheme(Kind.E4M3, false, 0, true);
        return new ByteScheme(Codes.E4M3, 0, 0, true, "weight_scale", input);
    }

    @Override
    public Optional<LinearScheme> schemeOf(String module) {
        boolean quantized = !module.endsWith("lm_head") && !plain.covers(module) && !ignored.covers(module);
        return quantized ? Optional.of(scheme) : Optional.empty();
    }
}
