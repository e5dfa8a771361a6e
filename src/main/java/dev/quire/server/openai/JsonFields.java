package dev.quire.server.openai;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.quire.frontend.InvalidRequest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Typed reading of a JSON object: a missing field and null read as null; wrong types are collected, and {@link
 * #check()} throws them together as one {@link InvalidRequest}.
 *
 * <p>Numbers and booleans may also come as strings ({@code "0.5"}), as in the API's original.
 */
final class JsonFields {
    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private final ObjectNode object;
    private final String path;
    private final SchemaProblems problems;

    private JsonFields(ObjectNode object, String path, SchemaProblems problems) {
        this.object = object;
        this.path = path;
        this.problems = problems;
    }

    /** Parses a request body. */
    static JsonFields parse(byte[] body) {
        SchemaProblems problems = new SchemaProblems();
        JsonNode node = null;
        try {
            node = JSON.readTree(body);
        } catch (JsonProcessingException e) {
            JsonLocation at = e.getLocation();
            String where = at == null ? "" : " at byte " + Math.max(0, at.getByteOffset());
            problems.add("json_invalid", "body", "JSON decode error" + where + ": " + e.getOriginalMessage());
        } catch (IOException e) {
            problems.add("json_invalid", "body", "JSON decode error");
        }
        problems.check();
        if (node instanceof ObjectNode object) {
            return new JsonFields(object, "body", problems);
        }
        problems.add("dict_type", "body", "Input should be a valid dictionary");
        throw problems.error();
    }

    /** The value of a field; null when it is missing or null. */
    @Nullable
    JsonNode node(String name) {
        JsonNode node = object.get(name);
        return node == null || node.isNull() ? null : node;
    }

    boolean has(String name) {
        return node(name) != null;
    }

    /** Not even given as null. */
    boolean isMissing(String name) {
        return !object.has(name);
    }

    /** The fields of an object inside; problems count for the whole. */
    @Nullable
    JsonFields object(String name) {
        JsonNode node = node(name);
        if (node == null) {
            return null;
        }
        if (node instanceof ObjectNode inner) {
            return new JsonFields(inner, path + "." + name, problems);
        }
        wrong(name, "dict_type", "Input should be a valid dictionary", node);
        return null;
    }

    @Nullable
    String string(String name) {
        JsonNode node = node(name);
        if (node == null) {
            return null;
        }
        if (!node.isTextual()) {
            wrong(name, "string_type", "Input should be a valid string", node);
            return null;
        }
        return node.textValue();
    }

    @Nullable
    Double number(String name) {
        JsonNode node = node(name);
        return node == null ? null : number(name, node);
    }

    private @Nullable Double number(String name, JsonNode node) {
        if (node.isNumber()) {
            return node.doubleValue();
        }
        if (node.isTextual()) {
            try {
                return Double.valueOf(node.textValue().trim());
            } catch (NumberFormatException e) {
                wrong(
                        name,
                        "float_parsing",
                        "Input should be a valid number, unable to parse string as a number",
                        node);
                return null;
            }
        }
        wrong(name, "float_type", "Input should be a valid number", node);
        return null;
    }

    @Nullable
    Integer integer(String name) {
        Long value = longInteger(name);
        return value == null ? null : toInt(name, value);
    }

    private @Nullable Integer toInt(String name, long value) {
        if (value != (int) value) {
            problems.add("int_parsing_size", path + "." + name, "Input is too large for an integer: " + value);
            return null;
        }
        return (int) value;
    }

    @Nullable
    Long longInteger(String name) {
        JsonNode node = node(name);
        return node == null ? null : longInteger(name, node);
    }

    private @Nullable Long longInteger(String name, JsonNode node) {
        if (node.isNumber()) {
            boolean whole = node.isIntegralNumber() || node.doubleValue() == Math.rint(node.doubleValue());
            if (whole && node.canConvertToLong()) {
                return node.longValue();
            }
            wrong(
                    name,
                    whole ? "int_parsing_size" : "int_from_float",
                    whole
                            ? "Input is too large for an integer"
                            : "Input should be a valid integer, got a number with a fractional part",
                    node);
            return null;
        }
        if (node.isTextual()) {
            try {
                return Long.valueOf(node.textValue().trim());
            } catch (NumberFormatException e) {
                wrong(
                        name,
                        "int_parsing",
                        "Input should be a valid integer, unable to parse string as an integer",
                        node);
                return null;
            }
        }
        wrong(name, "int_type", "Input should be a valid integer", node);
        return null;
    }

    boolean bool(String name, boolean otherwise) {
        JsonNode node = node(name);
        if (node == null) {
            return otherwise;
        }
        if (node.isBoolean()) {
            return node.booleanValue();
        }
        String text = node.isTextual() ? node.textValue().toLowerCase(Locale.ROOT) : node.toString();
        if (text.equals("true") || text.equals("1")) {
            return true;
        }
        if (!text.equals("false") && !text.equals("0")) {
            wrong(name, "bool_type", "Input should be a valid boolean", node);
        }
        return false;
    }

    /** A list of strings, or one string alone; empty when missing. */
    List<String> strings(String name) {
        List<String> strings = new ArrayList<>();
        JsonNode node = node(name);
        if (node != null && node.isTextual()) {
            strings.add(node.textValue());
        } else {
            eachItem(name, "a valid string or list of strings", (itemName, item) -> {
                if (item.isTextual()) {
                    strings.add(item.textValue());
                } else {
                    wrong(itemName, "string_type", "Input should be a valid string", item);
                }
            });
        }
        return strings;
    }

    /** A list of integers; null when missing. */
    int @Nullable [] integers(String name) {
        if (!has(name)) {
            return null;
        }
        List<Integer> integers = new ArrayList<>();
        eachItem(name, "a valid list of integers", (itemName, item) -> {
            Long value = longInteger(itemName, item);
            Integer integer = value == null ? null : toInt(itemName, value);
            if (integer != null) {
                integers.add(integer);
            }
        });
        return integers.stream().mapToInt(Integer::intValue).toArray();
    }

    /** A list of objects as Java maps; null when missing. */
    @Nullable
    List<Map<String, Object>> objects(String name) {
        if (!has(name)) {
            return null;
        }
        List<Map<String, Object>> objects = new ArrayList<>();
        eachItem(name, "a valid list", (itemName, item) -> {
            if (item.isObject()) {
                objects.add(map(item));
            } else {
                wrong(itemName, "dict_type", "Input should be a valid dictionary", item);
            }
        });
        return objects;
    }

    /** An object of numbers; empty when missing. */
    Map<String, Double> numbers(String name) {
        Map<String, Double> numbers = new LinkedHashMap<>();
        JsonNode node = node(name);
        if (node != null && !node.isObject()) {
            wrong(name, "dict_type", "Input should be a valid dictionary", node);
        } else if (node != null) {
            node.properties().forEach(field -> {
                Double value = number(name + "." + field.getKey(), field.getValue());
                if (value != null) {
                    numbers.put(field.getKey(), value);
                }
            });
        }
        return numbers;
    }

    private void eachItem(String name, String expected, BiConsumer<String, JsonNode> action) {
        JsonNode node = node(name);
        if (node == null) {
            return;
        }
        if (!node.isArray()) {
            wrong(name, "list_type", "Input should be " + expected, node);
            return;
        }
        for (int i = 0; i < node.size(); i++) {
            action.accept(name + "." + i, node.get(i));
        }
    }

    /** Notes that a required field is missing. */
    void missing(String name) {
        problems.add("missing", path + "." + name, "Field required");
    }

    /** Notes a field of the wrong type. */
    void wrong(String name, String type, String message, JsonNode input) {
        problems.add(type, path + "." + name, message, input);
    }

    /** Throws what was noted, naming the first field. */
    void check() {
        problems.check();
    }

    /** A JSON object as a map in the order of its fields. */
    static Map<String, Object> map(JsonNode object) {
        Map<String, Object> map = new LinkedHashMap<>();
        object.properties().forEach(field -> map.put(field.getKey(), value(field.getValue())));
        return map;
    }

    private static @Nullable Object value(JsonNode node) {
        if (node.isObject()) {
            return map(node);
        }
        if (node.isArray()) {
            List<@Nullable Object> list = new ArrayList<>(node.size());
            node.forEach(item -> list.add(value(item)));
            return list;
        }
        if (node.isTextual()) {
            return node.textValue();
        }
        if (node.isNumber()) {
            return node.numberValue();
        }
        return node.isBoolean() ? node.booleanValue() : null;
    }
}
