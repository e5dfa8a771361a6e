package dev.quire.weights.quant;

import dev.quire.weights.ConfigJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * {@code gptq}, as AutoGPTQ and GPTQModel write it, versions 1 and 2.
 *
 * @param scheme of every layer but those of an exemption
 * @param exemptions {@code dynamic}: the first that matches a module's name decides
 * @param quantizesHead whether the output projection is quantized too
 */
record Gptq(GptqScheme scheme, List<Exemption> exemptions, boolean quantizesHead) implements QuantizationConfig {
    /**
     * An entry of {@code dynamic}.
     *
     * @param scheme empty for modules that are left as they were
     */
    record Exemption(Pattern pattern, Optional<GptqScheme> scheme) {}

    Gptq {
        exemptions = List.copyOf(exemptions);
    }

    static Gptq read(ConfigJson json) {
        String packing = json.string("pack_dtype", "int32");
        if (!packing.equals("int32")) {
            throw Refusal.of(json, "pack_dtype", packing, "int32");
        }
        if (json.bool("is_marlin_format", false)) {
            throw Refusal.ofJson(json, "is_marlin_format", "false");
        }
        GptqScheme scheme = scheme(json, json, zeroOffset(json));
        List<Exemption> exemptions = new ArrayList<>();
        json.optionalObject("dynamic").ifPresent(dynamic -> {
            for (String key : dynamic.keys()) {
                boolean plain = key.startsWith("-:");
                String text = plain || key.startsWith("+:") ? key.substring(2) : key;
                Pattern pattern = ModuleNames.pattern(dynamic, key, text);
                exemptions.add(new Exemption(
                        pattern,
                        plain
                                ? Optional.empty()
                                : Optional.of(scheme(dynamic.object(key), json, scheme.zeroOffset()))));
            }
        });
        return new Gptq(scheme, exemptions, json.bool("lm_head", false));
    }

    /** Version 1, the default, stores zero points less 1. */
    private static int zeroOffset(ConfigJson json) {
        String key = json.has("checkpoint_format") ? "checkpoint_format" : "format";
        String format = json.string(key, "gptq");
        return switch (format) {
            case "gptq" -> 1;
            case "gptq_v2" -> 0;
            default -> throw Refusal.of(json, key, format, "gptq, gptq_v2");
        };
    }

    /** The scheme in {@code json}, with what it does not say from {@code outer}. */
    private static GptqScheme scheme(ConfigJson json, ConfigJson outer, int zeroOffset) {
        int numBits = json.has("bits") ? json.integer("bits") : outer.integer("bits");
        if (numBits != 4 && numBits != 8) {
            throw Refusal.ofJson(json.has("bits") ? json : outer, "bits", "4, 8");
        }
        int groupSize = json.integer("group_size", outer.integer("group_size", 128));
        if (groupSize < 1 && groupSize != -1) {
            throw json.error("group_size", "must be positive, or -1 for all inputs, found " + groupSize);
        }
        return new GptqScheme(
                numBits,
                Math.max(groupSize, 0),
                json.bool("sym", outer.bool("sym", true)),
                json.bool("desc_act", outer.bool("desc_act", false)),
                zeroOffset);
    }

    @Override
    public Optional<LinearScheme> schemeOf(String module) {
        if (module.endsWith("lm_head") && !quantizesHead) {
            return Optional.empty();
        }
        for (Exemption exemption : exemptions) {
            if (exemption.pattern.matcher(module).lookingAt()) {
                return exemption.scheme.map(LinearScheme.class::cast);
            }
        }
        return Optional.of(scheme);
    }
}
