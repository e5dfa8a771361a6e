package dev.quire.weights.quant;

import dev.quire.weights.CheckpointException;
import dev.quire.weights.ConfigJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Which modules of a checkpoint are quantized and how, as {@code quantization_config} of config.json says. Read are
 * compressed-tensors checkpoints in the format pack-quantized; anything else is refused by name.
 *
 * @param method {@code quant_method}
 * @param groups in file order
 * @param ignore modules left as they were: exact names, or {@code re:} and a pattern matched from the name's start
 */
public record QuantizationConfig(String method, List<Group> groups, List<Matcher> ignore) {
    private static final String PACKED = "pack-quantized";

    /** The modules of one entry of {@code config_groups} and their scheme. */
    public record Group(List<Matcher> targets, WeightScheme scheme) {
        public Group {
            targets = List.copyOf(targets);
        }
    }

    /** A module name, a class name, or a pattern. */
    public record Matcher(String name, Optional<Pattern> pattern) {
        boolean matches(String module) {
            return pattern.isPresent() ? pattern.get().matcher(module).lookingAt() : name.equals(module);
        }
    }

    public QuantizationConfig {
        groups = List.copyOf(groups);
        ignore = List.copyOf(ignore);
    }

    /** The description in a config.json, empty when it has none; throws {@link CheckpointException} when not supported. */
    public static Optional<QuantizationConfig> from(ConfigJson config) {
        for (ConfigJson place : List.of(config, config.languageModel())) {
            for (String key : List.of("quantization_config", "compression_config")) {
                if (place.has(key)) {
                    return Optional.of(parse(place.object(key)));
                }
            }
        }
        return Optional.empty();
    }

    /**
     * The scheme of a linear layer by its name in the checkpoint, such as {@code model.layers.0.self_attn.q_proj}; empty when
     * it is not quantized. A target that names the module wins over one that names the class {@code Linear}.
     */
    public Optional<WeightScheme> schemeOf(String module) {
        for (Matcher ignored : ignore) {
            if (ignored.matches(module)) {
                return Optional.empty();
            }
        }
        for (Group group : groups) {
            for (Matcher target : group.targets()) {
                if (target.matches(module)) {
                    return Optional.of(group.scheme());
                }
            }
        }
        for (Group group : groups) {
            for (Matcher target : group.targets()) {
                if (target.matches("Linear")) {
                    return Optional.of(group.scheme());
                }
            }
        }
        return Optional.empty();
    }

    private static QuantizationConfig parse(ConfigJson json) {
        String method = json.string("quant_method", json.has("config_groups") ? "compressed-tensors" : "absent");
        if (!method.equals("compressed-tensors")) {
            throw unsupported(json, "quant_method", method);
        }
        // The top-level format may be absent or mixed when each group names its own.
        String format = json.string("format", "absent");
        if (!format.equals(PACKED) && !format.equals("mixed-precision") && !format.equals("absent")) {
            throw unsupported(json, "format", format);
        }
        String status = json.string("quantization_status", "compressed");
        if (!status.equals("compressed")) {
            throw unsupported(json, "quantization_status", status);
        }
        String sparsity = json.optionalObject("sparsity_config")
                .map(s -> s.string("format", "dense"))
                .orElse("dense");
        if (!sparsity.equals("dense")) {
            throw unsupported(json, "sparsity_config.format", sparsity);
        }
        for (String key : List.of("kv_cache_scheme", "transform_config")) {
            boolean empty = !json.has(key)
                    || json.isObject(key) && json.object(key).keys().isEmpty();
            if (!empty) {
                throw unsupported(json, key, json.text(key));
            }
        }
        List<Group> groups = new ArrayList<>();
        ConfigJson configGroups = json.object("config_groups");
        for (String name : configGroups.keys()) {
            if (!configGroups.isObject(name)) {
                throw unsupported(configGroups, name, configGroups.text(name));
            }
            groups.add(group(configGroups.object(name), format));
        }
        return new QuantizationConfig(method, groups, matchers(json, "ignore"));
    }

    private static Group group(ConfigJson json, String outerFormat) {
        String format = json.string("format", outerFormat);
        if (!format.equals(PACKED)) {
            throw unsupported(json, "format", format);
        }
        for (String key : List.of("input_activations", "output_activations")) {
            if (json.has(key)) {
                throw unsupported(json, key, json.text(key));
            }
        }
        return new Group(matchers(json, "targets"), scheme(json.object("weights")));
    }

    private static WeightScheme scheme(ConfigJson weights) {
        String type = weights.string("type", "int");
        int numBits = weights.integer("num_bits");
        if (!type.equals("int")) {
            throw unsupported(weights, "type", type);
        }
        if (numBits != 4 && numBits != 8) {
            throw unsupported(weights, "num_bits", String.valueOf(numBits));
        }
        int groupSize = weights.integer("group_size", -1);
        String strategy = weights.string("strategy", groupSize > 0 ? "group" : groupSize == -1 ? "channel" : "tensor");
        boolean grouped = strategy.equals("group");
        if (!grouped && !strategy.equals("channel")) {
            throw unsupported(weights, "strategy", strategy);
        }
        if (grouped && groupSize < 1) {
            throw weights.error("group_size", "must be positive for strategy group, found " + groupSize);
        }
        if (!weights.text("dynamic").matches("absent|false")) {
            throw unsupported(weights, "dynamic", weights.text("dynamic"));
        }
        boolean symmetric = weights.bool("symmetric", true);
        return new WeightScheme(numBits, grouped ? groupSize : 0, symmetric, groupIndexed(weights));
    }

    private static boolean groupIndexed(ConfigJson weights) {
        String order = weights.text("actorder");
        switch (order) {
            case "absent", "false", "\"weight\"", "\"static\"":
                return false;
            case "true", "\"group\"", "\"dynamic\"":
                return true;
            default:
                throw unsupported(weights, "actorder", order);
        }
    }

    private static List<Matcher> matchers(ConfigJson json, String key) {
        List<Matcher> matchers = new ArrayList<>();
        for (String name : json.stringList(key)) {
            try {
                boolean regex = name.startsWith("re:");
                matchers.add(
                        new Matcher(name, regex ? Optional.of(Pattern.compile(name.substring(3))) : Optional.empty()));
            } catch (PatternSyntaxException e) {
                throw json.error(key, "has a broken pattern " + name + ": " + e.getDescription());
            }
        }
        return matchers;
    }

    private static CheckpointException unsupported(ConfigJson json, String key, String value) {
        return json.error(key, "not supported yet: " + value);
    }
}
