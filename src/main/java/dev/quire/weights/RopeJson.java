package dev.quire.weights;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * Brings the two ways of writing RoPE parameters into one object with {@code rope_type} and, where the file has them,
 * {@code rope_theta}, {@code factor}, and so on: {@code rope_parameters} of transformers 5 (for Gemma 3 one object per layer
 * type), or {@code rope_theta} beside {@code rope_scaling} (with {@code type} for {@code rope_type}) before; there, layers with
 * a sliding window have {@code rope_local_base_freq}, if any, and no scaling.
 */
final class RopeJson {
    private static final String ORIGINAL = "original_max_position_embeddings";
    /** Written beside the RoPE object in some configurations, inside it in others. */
    private static final List<String> TOP_LEVEL = List.of("rope_theta", "partial_rotary_factor", ORIGINAL);

    private static final String TYPE = "rope_type";
    private static final String THETA = "rope_theta";
    private static final String LOCAL_THETA = "rope_local_base_freq";
    private static final String SLIDING = "sliding_attention";

    private RopeJson() {}

    static ConfigJson general(ConfigJson config) {
        ConfigJson rope = config.optionalObject("rope_parameters").orElse(ConfigJson.empty(config.file()));
        if (rope.isObject("full_attention")) {
            rope = rope.object("full_attention");
        } else if (rope.keys().isEmpty()) {
            rope = config.optionalObject("rope_scaling").orElse(rope);
        }
        return normalized(config, rope);
    }

    static ConfigJson ofLayerType(ConfigJson config, String layerType) {
        if (config.isObject("rope_parameters")) {
            ConfigJson perType = config.object("rope_parameters");
            return perType.isObject(layerType) ? normalized(config, perType.object(layerType)) : general(config);
        }
        return layerType.equals(SLIDING) ? local(config) : general(config);
    }

    /** What stands beside the layers' types in older files scales the rope of layers that see all. */
    private static ConfigJson local(ConfigJson config) {
        ConfigJson empty = ConfigJson.empty(config.file());
        ObjectNode local = empty.copyOfTree();
        local.put(TYPE, "default");
        String key = config.has(LOCAL_THETA) ? LOCAL_THETA : THETA;
        if (config.has(key)) {
            local.put(THETA, config.number(key));
        }
        return empty.with(local);
    }

    private static ConfigJson normalized(ConfigJson config, ConfigJson rope) {
        ObjectNode entries = rope.copyOfTree();
        ObjectNode outer = config.copyOfTree();
        for (String key : TOP_LEVEL) {
            // Phi-3 writes the original length twice; transformers believes the outer one.
            if (config.has(key) && (!rope.has(key) || key.equals(ORIGINAL))) {
                entries.set(key, outer.get(key));
            }
        }
        String type = rope.string(TYPE, rope.string("type", "default"));
        switch (type) {
            // What Phi-3 called it first.
            case "su" -> type = "longrope";
            // Multimodal rope is plain rope for text.
            case "mrope" -> type = "default";
            default -> {}
        }
        entries.put(TYPE, type);
        return rope.with(entries);
    }
}
