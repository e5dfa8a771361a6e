package dev.quire.weights.quant;

import dev.quire.weights.ConfigJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** A list of module names in a configuration, and how modules are compared with it. */
record ModuleNames(List<Entry> entries) {
    /** Projections that some checkpoints store as one, and the names of their parts elsewhere. */
    private static final Map<String, List<String>> FUSED = Map.of(
            "qkv_proj", List.of("q_proj", "k_proj", "v_proj"),
            "gate_up_proj", List.of("gate_proj", "up_proj"));

    /** A name, or {@code re:} and a pattern. */
    record Entry(String name, Optional<Pattern> pattern) {
        /** Whole names; patterns match from the start, as Python's {@code re.match}. */
        boolean matches(String module) {
            return pattern.isPresent() ? pattern.get().matcher(module).lookingAt() : name.equals(module);
        }

        /** Whole segments anywhere in the module's name: {@code lm_head}, {@code self_attn.q_proj}, {@code model.layers.0}. */
        boolean isPartOf(String module) {
            return pattern.isPresent() ? matches(module) : ("." + module + ".").contains("." + name + ".");
        }
    }

    ModuleNames {
        entries = List.copyOf(entries);
    }

    static ModuleNames read(ConfigJson json, String key) {
        List<Entry> entries = new ArrayList<>();
        for (String name : json.stringList(key)) {
            entries.add(new Entry(
                    name,
                    name.startsWith("re:") ? Optional.of(pattern(json, key, name.substring(3))) : Optional.empty()));
        }
        return new ModuleNames(entries);
    }

    static Pattern pattern(ConfigJson json, String key, String text) {
        try {
            return Pattern.compile(text);
        } catch (PatternSyntaxException e) {
            throw json.error(key, "has a broken pattern " + text + ": " + e.getDescription());
        }
    }

    boolean matches(String module) {
        return entries.stream().anyMatch(entry -> entry.matches(module));
    }

    /** Whether an entry is the module or something it is inside; of a fused module, all its parts. */
    boolean covers(String module) {
        return isPart(module)
                || parts(module).size() > 1 && parts(module).stream().allMatch(this::isPart);
    }

    private boolean isPart(String module) {
        return entries.stream().anyMatch(entry -> entry.isPartOf(module));
    }

    /** The modules that a fused one is made of; the module alone when it is not fused. */
    static List<String> parts(String module) {
        int dot = module.lastIndexOf('.') + 1;
        List<String> parts = FUSED.getOrDefault(module.substring(dot), List.of());
        return parts.isEmpty()
                ? List.of(module)
                : parts.stream().map(part -> module.substring(0, dot) + part).toList();
    }
}
