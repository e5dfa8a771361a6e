package dev.quire.weights.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.quire.weights.gguf.GgufVocabulary.Kind;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes tokenizer_config.json and generation_config.json of a GGUF file: special tokens, chat templates, sampling. */
final class GgufTextFiles {
    private static final String TEMPLATE = "tokenizer.chat_template";
    /** Ends of a turn by their text, since few files name all of theirs (llama.cpp's {@code special_eog_ids}). */
    private static final Set<String> ENDS = Set.of(
            "<|eot_id|>",
            "<|im_end|>",
            "<|end|>",
            "<end_of_turn>",
            "<|endoftext|>",
            "<|eom_id|>",
            "<EOT>",
            "_<EOT>",
            "<|end_of_text|>",
            "<end_of_utterance>",
            "<eos>");

    private static final Map<String, String> ROLES =
            Map.of("bos_token", "bos", "eos_token", "eos", "unk_token", "unknown", "pad_token", "padding");

    private static final Map<String, String> SAMPLING = Map.of(
            "general.sampling.temp", "temperature",
            "general.sampling.top_p", "top_p",
            "general.sampling.min_p", "min_p",
            "general.sampling.penalty_repeat", "repetition_penalty");

    private GgufTextFiles() {}

    static ObjectNode tokenizerConfig(GgufMetadata metadata) {
        GgufVocabulary vocabulary = new GgufVocabulary(metadata);
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        ROLES.forEach((key, role) -> {
            String token = vocabulary.tokenOf(role);
            if (token != null) {
                json.put(key, token);
            }
        });
        if (metadata.has("tokenizer.ggml.add_bos_token")) {
            json.put("add_bos_token", metadata.bool("tokenizer.ggml.add_bos_token", false));
        }
        if (metadata.has("tokenizer.ggml.add_eos_token")) {
            json.put("add_eos_token", metadata.bool("tokenizer.ggml.add_eos_token", false));
        }
        templates(metadata, json);
        return json;
    }

    private static void templates(GgufMetadata metadata, ObjectNode json) {
        Set<String> names = new LinkedHashSet<>(metadata.strings("tokenizer.chat_templates"));
        if (names.isEmpty() && metadata.has(TEMPLATE)) {
            json.put("chat_template", metadata.string(TEMPLATE));
        } else if (!names.isEmpty()) {
            ArrayNode list = json.putArray("chat_template");
            if (metadata.has(TEMPLATE)) {
                list.addObject().put("name", "default").put("template", metadata.string(TEMPLATE));
            }
            for (String name : names) {
                list.addObject().put("name", name).put("template", metadata.string(TEMPLATE + "." + name));
            }
        }
    }

    static ObjectNode generationConfig(GgufMetadata metadata) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        SAMPLING.forEach((key, name) -> {
            if (metadata.has(key)) {
                json.put(name, GgufRope.shortest(metadata.number(key)));
            }
        });
        if (metadata.has("general.sampling.top_k")) {
            json.put("top_k", metadata.integer("general.sampling.top_k"));
        }
        if (!metadata.has(GgufVocabulary.TOKENS)) {
            return json;
        }
        GgufVocabulary vocabulary = new GgufVocabulary(metadata);
        Set<Integer> ends = new LinkedHashSet<>();
        add(ends, vocabulary.idOf("eos"));
        add(ends, vocabulary.idOf("eot"));
        add(ends, vocabulary.idOf("eom"));
        for (int id = 0; id < vocabulary.size(); id++) {
            Kind kind = vocabulary.kind(id);
            if ((kind == Kind.CONTROL || kind == Kind.USER_DEFINED) && ENDS.contains(vocabulary.token(id))) {
                ends.add(id);
            }
        }
        ArrayNode ids = json.putArray("eos_token_id");
        ends.forEach(ids::add);
        put(json, "bos_token_id", vocabulary.idOf("bos"));
        put(json, "pad_token_id", vocabulary.idOf("padding"));
        return json;
    }

    private static void add(Set<Integer> ids, @Nullable Integer id) {
        if (id != null) {
            ids.add(id);
        }
    }

    private static void put(ObjectNode json, String key, @Nullable Integer id) {
        if (id != null) {
            json.put(key, id);
        }
    }
}
