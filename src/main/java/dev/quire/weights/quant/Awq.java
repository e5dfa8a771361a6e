package dev.quire.weights.quant;

import dev.quire.weights.ConfigJson;
import java.util.Locale;
import java.util.Optional;

/**
 * {@code awq}, as AutoAWQ writes it, version gemm.
 *
 * @param scheme of every layer
 * @param plain modules left as they were; the output projection is always
 */
record Awq(AwqScheme scheme, ModuleNames plain) implements QuantizationConfig {
    static Awq read(ConfigJson json) {
        String version = json.string("version", "gemm").toLowerCase(Locale.ROOT);
        if (!version.equals("gemm")) {
            throw Refusal.of(json, "version", version, "gemm");
        }
        String backend = json.string("backend", "autoawq");
        if (!backend.equals("autoawq")) {
            throw Refusal.of(json, "backend", backend, "autoawq");
        }
        String bits = json.has("w_bit") ? "w_bit" : "bits";
        if (json.integer(bits) != 4) {
            throw Refusal.ofJson(json, bits, "4");
        }
        String key = json.has("q_group_size") ? "q_group_size" : "group_size";
        int groupSize = json.integer(key, 128);
        if (groupSize < 1 && groupSize != -1) {
            throw json.error(key, "must be positive, or -1 for all inputs, found " + groupSize);
        }
        if (!json.bool("zero_point", true)) {
            throw Refusal.ofJson(json, "zero_point", "true");
        }
        return new Awq(new AwqScheme(Math.max(groupSize, 0)), ModuleNames.read(json, "modules_to_not_convert"));
    }

    @Override
    public Optional<LinearScheme> schemeOf(String module) {
        return module.endsWith("lm_head") || plain.covers(module) ? Optional.empty() : Optional.of(scheme);
    }
}
