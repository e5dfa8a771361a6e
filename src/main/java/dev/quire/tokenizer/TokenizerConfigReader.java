package dev.quire.tokenizer;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** Collects a {@link TokenizerConfig} from one or more JSON files; what an earlier file says stays. */
final class TokenizerConfigReader {
    /** Strings by field, the special tokens among them. */
    private final Map<String, String> strings = new HashMap<>();

    private final Map<String, Boolean> flags = new HashMap<>();
    private final Map<String, String> templates = new LinkedHashMap<>();
    private long modelMaxLength = Long.MAX_VALUE;

    /** @throws IOException with a one-line message that starts with {@code name} */
    void read(String name, byte[] bytes) throws IOException {
        try (JsonParser json = TokenizerFile.jsonFactory().createParser(bytes)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw TokenizerFile.broken(name, "not a JSON object", null);
            }
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String field = json.currentName();
                readField(field, json.nextToken(), json);
            }
        } catch (JsonProcessingException e) {
            throw TokenizerFile.brokenJson(name, e);
        }
    }

    private void readField(String field, JsonToken value, JsonParser json) throws IOException {
        if (field.equals("chat_template") && value == JsonToken.VALUE_STRING) {
            templates.putIfAbsent(TokenizerConfig.DEFAULT_TEMPLATE, json.getText());
        } else if (field.equals("chat_template") && value == JsonToken.START_ARRAY) {
            readNamedTemplates(json);
        } else if (field.equals("model_max_length") && value.isNumeric()) {
            // transformers writes 1e30 for "no limit".
            modelMaxLength = (long) json.getDoubleValue();
        } else if (value == JsonToken.VALUE_STRING) {
            strings.putIfAbsent(field, json.getText());
        } else if (value.isBoolean()) {
            flags.putIfAbsent(field, json.getBooleanValue());
        } else if (field.endsWith("_token") && value == JsonToken.START_OBJECT) {
            readTokenObject(field, json);
        } else {
            json.skipChildren();
        }
    }

    /** {@code [{"name": "default", "template": "…"}, …]}. */
    private void readNamedTemplates(JsonParser json) throws IOException {
        while (json.nextToken() == JsonToken.START_OBJECT) {
            Map<String, String> entry = readStrings(json);
            if (entry.containsKey("name") && entry.containsKey("template")) {
                templates.putIfAbsent(entry.get("name"), entry.get("template"));
            }
        }
    }

    /** {@code {"content": "<s>", "lstrip": false, …}}. */
    private void readTokenObject(String field, JsonParser json) throws IOException {
        String content = readStrings(json).get("content");
        if (content != null) {
            strings.putIfAbsent(field, content);
        }
    }

    private static Map<String, String> readStrings(JsonParser json) throws IOException {
        Map<String, String> fields = new HashMap<>();
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String field = json.currentName();
            if (json.nextToken() == JsonToken.VALUE_STRING) {
                fields.put(field, json.getText());
            } else {
                json.skipChildren();
            }
        }
        return fields;
    }

    TokenizerConfig config(Map<String, String> templateFiles) {
        return new TokenizerConfig(
                strings.getOrDefault("tokenizer_class", ""),
                strings.get("bos_token"),
                strings.get("eos_token"),
                strings.get("pad_token"),
                strings.get("unk_token"),
                flags.get("add_bos_token"),
                flags.get("add_eos_token"),
                flags.getOrDefault("clean_up_tokenization_spaces", false),
                modelMaxLength,
                templateFiles.isEmpty() ? templates : templateFiles);
    }
}
