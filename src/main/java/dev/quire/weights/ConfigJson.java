package dev.quire.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.quire.tensor.DType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A JSON object of a model's configuration, read key by key. A key with the value null counts as absent. Every getter without
 * a default throws {@link CheckpointException} naming file and key when the key is absent, every getter when the value has
 * another type.
 */
public final class ConfigJson {
    /** Python writes Infinity and NaN as they are; a key given twice is a mistake, the parser says so. */
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    private final String file;
    private final String path;
    private final ObjectNode node;

    private ConfigJson(String file, String path, ObjectNode node) {
        this.file = file;
        this.path = path;
        this.node = node;
    }

    /** Reads a JSON file of a model. */
    public static ConfigJson read(ModelFiles files, String name) {
        return parse(files.describe(name), files.read(name));
    }

    /** Reads a JSON file of a model, or gives an empty object when the model lacks it. */
    public static ConfigJson readIfPresent(ModelFiles files, String name) {
        return files.has(name) ? read(files, name) : empty(files.describe(name));
    }

    /** Parses an object; {@code file} is what messages call it. */
    public static ConfigJson parse(String file, byte[] json) {
        try {
            JsonNode tree = MAPPER.readTree(json);
            if (!(tree instanceof ObjectNode)) {
                throw new CheckpointException(file, "broken JSON: not an object");
            }
            return new ConfigJson(file, "", (ObjectNode) tree);
        } catch (JsonProcessingException e) {
            String where =
                    e.getLocation() == null ? "" : " (line " + e.getLocation().getLineNr() + ")";
            throw new CheckpointException(file, "broken JSON: " + e.getOriginalMessage() + where, e);
        } catch (IOException e) {
            throw new CheckpointException(file, "cannot be read: " + e, e);
        }
    }

    static ConfigJson empty(String file) {
        return new ConfigJson(file, "", JsonNodeFactory.instance.objectNode());
    }

    /** The file, for messages. */
    public String file() {
        return file;
    }

    /** Keys in file order, those with null values too. */
    public List<String> keys() {
        List<String> keys = new ArrayList<>();
        node.fieldNames().forEachRemaining(keys::add);
        return Collections.unmodifiableList(keys);
    }

    /** Whether the key is there and not null. */
    public boolean has(String key) {
        return node.hasNonNull(key);
    }

    public String string(String key) {
        JsonNode value = required(key);
        return check(key, value, value.isTextual(), "a string").textValue();
    }

    public String string(String key, String absent) {
        return has(key) ? string(key) : absent;
    }

    public int integer(String key) {
        JsonNode value = required(key);
        return check(key, value, value.canConvertToInt() && value.canConvertToExactIntegral(), "an int")
                .intValue();
    }

    public int integer(String key, int absent) {
        return has(key) ? integer(key) : absent;
    }

    public long longInteger(String key) {
        JsonNode value = required(key);
        return check(key, value, value.canConvertToLong() && value.canConvertToExactIntegral(), "an integer")
                .longValue();
    }

    public long longInteger(String key, long absent) {
        return has(key) ? longInteger(key) : absent;
    }

    public double number(String key) {
        JsonNode value = required(key);
        return check(key, value, value.isNumber(), "a number").doubleValue();
    }

    public double number(String key, double absent) {
        return has(key) ? number(key) : absent;
    }

    public boolean bool(String key) {
        JsonNode value = required(key);
        return check(key, value, value.isBoolean(), "true or false").booleanValue();
    }

    public boolean bool(String key, boolean absent) {
        return has(key) ? bool(key) : absent;
    }

    /** A list of strings; empty when absent. */
    public List<String> stringList(String key) {
        List<String> values = new ArrayList<>();
        for (JsonNode item : list(key)) {
            values.add(check(key, item, item.isTextual(), "a list of strings").textValue());
        }
        return Collections.unmodifiableList(values);
    }

    /** A list of ints, or one int alone, as {@code eos_token_id} is written; empty when absent. */
    public List<Integer> intList(String key) {
        if (has(key) && node.get(key).isIntegralNumber()) {
            return List.of(integer(key));
        }
        List<Integer> values = new ArrayList<>();
        for (JsonNode item : list(key)) {
            values.add(
                    check(key, item, item.isInt(), "an int or a list of ints").intValue());
        }
        return Collections.unmodifiableList(values);
    }

    /** A list of numbers; empty when absent. */
    public double[] numberList(String key) {
        List<JsonNode> items = list(key);
        double[] values = new double[items.size()];
        for (int i = 0; i < values.length; i++) {
            JsonNode item = items.get(i);
            values[i] = check(key, item, item.isNumber(), "a list of numbers").doubleValue();
        }
        return values;
    }

    public ConfigJson object(String key) {
        JsonNode value = required(key);
        check(key, value, value.isObject(), "an object");
        return new ConfigJson(file, path + key + ".", (ObjectNode) value);
    }

    /** The object under a key, or empty when absent. */
    public Optional<ConfigJson> optionalObject(String key) {
        return has(key) ? Optional.of(object(key)) : Optional.empty();
    }

    /** Whether the key holds an object. */
    public boolean isObject(String key) {
        return node.path(key).isObject();
    }

    /** All entries, which must be strings. */
    public Map<String, String> strings() {
        Map<String, String> values = new LinkedHashMap<>();
        for (Iterator<String> keys = node.fieldNames(); keys.hasNext(); ) {
            String key = keys.next();
            values.put(key, string(key));
        }
        return Collections.unmodifiableMap(values);
    }

    /** The value as JSON text, or "absent": for messages and switches on values of several types. */
    public String text(String key) {
        return has(key) ? node.get(key).toString() : "absent";
    }

    /** {@code model_type}, or the empty string. */
    public String modelType() {
        return string("model_type", "");
    }

    /** {@code architectures}: class names of transformers, the first decides. */
    public List<String> architectures() {
        return stringList("architectures");
    }

    /** The language model's own object in a multimodal configuration ({@code text_config}), or this one. */
    public ConfigJson languageModel() {
        return isObject("text_config") ? object("text_config") : this;
    }

    /** The type of the weights: {@code dtype}, or {@code torch_dtype} before transformers 5; empty when absent. */
    public Optional<DType> dtype() {
        String key = has("dtype") ? "dtype" : "torch_dtype";
        if (!has(key)) {
            return Optional.empty();
        }
        return Optional.of(DType.ofTorchName(string(key)).orElseThrow(() -> error(key, "unknown type " + text(key))));
    }

    /** RoPE parameters in the one form of transformers 5; see {@link RopeJson}. */
    public ConfigJson ropeParameters() {
        return RopeJson.general(this);
    }

    /** RoPE parameters of the layers of one type, such as {@code sliding_attention}; see {@link RopeJson}. */
    public ConfigJson ropeParameters(String layerType) {
        return RopeJson.ofLayerType(this, layerType);
    }

    /** An exception that names file and key, for a value that is of the right type and still wrong. */
    public CheckpointException error(String key, String problem) {
        return new CheckpointException(file, "'" + path + key + "' " + problem);
    }

    /** This object with other entries at the same place in the file. */
    ConfigJson with(ObjectNode other) {
        return new ConfigJson(file, path, other);
    }

    /** A copy of the tree, free to change. */
    ObjectNode copyOfTree() {
        return node.deepCopy();
    }

    private List<JsonNode> list(String key) {
        List<JsonNode> items = new ArrayList<>();
        if (has(key)) {
            JsonNode value = node.get(key);
            check(key, value, value.isArray(), "a list").forEach(items::add);
        }
        return items;
    }

    private JsonNode required(String key) {
        if (!has(key)) {
            throw error(key, "is missing");
        }
        return node.get(key);
    }

    private JsonNode check(String key, JsonNode value, boolean fits, String wanted) {
        if (!fits) {
            String found = value.toString();
            throw error(key, "must be " + wanted + ", found " + (found.length() > 80 ? found.substring(0, 80) : found));
        }
        return value;
    }

    @Override
    public String toString() {
        return file + " " + node;
    }
}
