package dev.quire.weights.gguf;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tokens of a GGUF file with their kinds, and the ids that have a role. */
final class GgufVocabulary {
    static final String TOKENS = "tokenizer.ggml.tokens";

    private static final String TYPES = "tokenizer.ggml.token_type";

    /** The numbers of {@code tokenizer.ggml.token_type}, from 1. */
    enum Kind {
        NORMAL,
        UNKNOWN,
        CONTROL,
        USER_DEFINED,
        UNUSED,
        BYTE
    }

    private final GgufMetadata metadata;
    private final List<String> tokens;
    private final double[] types;

    /** Throws {@link dev.quire.weights.CheckpointException} when tokens are missing or one is there twice. */
    GgufVocabulary(GgufMetadata metadata) {
        this.metadata = metadata;
        tokens = metadata.strings(TOKENS);
        types = metadata.numbers(TYPES);
        if (tokens.isEmpty()) {
            throw metadata.error(TOKENS, "is missing");
        }
        if (types.length != 0 && types.length != tokens.size()) {
            throw metadata.error(TYPES, "has " + types.length + " entries for " + tokens.size() + " tokens");
        }
        Map<String, Integer> seen = new HashMap<>(2 * tokens.size());
        for (int id = 0; id < tokens.size(); id++) {
            if (tokens.get(id).isEmpty()) {
                // llama.cpp's name for it.
                tokens.set(id, "[EMPTY_" + id + "]");
            }
            Integer first = seen.putIfAbsent(tokens.get(id), id);
            if (first != null) {
                throw metadata.error(TOKENS, "has '" + tokens.get(id) + "' as " + first + " and as " + id);
            }
        }
    }

    int size() {
        return tokens.size();
    }

    String token(int id) {
        return tokens.get(id);
    }

    Kind kind(int id) {
        int type = types.length == 0 ? 1 : (int) types[id];
        return type >= 1 && type <= Kind.values().length ? Kind.values()[type - 1] : Kind.NORMAL;
    }

    /** The token under a key such as {@code tokenizer.ggml.bos_token_id}; null when absent or no token at all. */
    @Nullable
    String tokenOf(String role) {
        Integer id = idOf(role);
        return id == null ? null : tokens.get(id);
    }

    /** The id of a role such as {@code bos}; null when absent or beyond the vocabulary, which llama.cpp ignores too. */
    @Nullable
    Integer idOf(String role) {
        String key = "tokenizer.ggml." + role + "_token_id";
        if (!metadata.has(key)) {
            return null;
        }
        double id = metadata.number(key);
        return id >= 0 && id < tokens.size() ? (Integer) (int) id : null;
    }
}
