package dev.quire.chat.jinja;

import java.math.BigInteger;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The filter {@code tojson} as transformers defines it: Python's {@code json.dumps} with non-ASCII text kept. */
final class Json {
    private final Rendering rendering;
    private final boolean ensureAscii;
    private final @Nullable String indent;
    private final String itemSeparator;
    private final String keySeparator;
    private final boolean sortKeys;
    private final StringBuilder out = new StringBuilder();

    private Json(
            Rendering rendering,
            boolean ensureAscii,
            @Nullable String indent,
            String itemSeparator,
            String keySeparator,
            boolean sortKeys) {
        this.rendering = rendering;
        this.ensureAscii = ensureAscii;
        this.indent = indent;
        this.itemSeparator = itemSeparator;
        this.keySeparator = keySeparator;
        this.sortKeys = sortKeys;
    }

    static String filter(Rendering rendering, Object value, Args args) {
        Object[] v = args.bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys");
        Object indentValue = Args.or(v[1], null);
        String indent = indentValue == null
                ? null
                : Values.isString(indentValue)
                        ? Values.text(indentValue)
                        : Text.repeat(rendering, " ", Numbers.index(indentValue));
        Object separators = Args.or(v[2], null);
        String item = indent == null ? ", " : ",";
        String key = ": ";
        if (separators != null) {
            List<Object> both = Values.list(rendering, separators);
            if (both.size() != 2) {
                throw TemplateException.value(
                        both.size() < 2
                                ? "not enough values to unpack (expected 2, got " + both.size() + ")"
                                : "too many values to unpack (expected 2)");
            }
            item = StringMethods.string("separator", both.get(0));
            key = StringMethods.string("separator", both.get(1));
        }
        Json json = new Json(
                rendering, Values.truth(Args.or(v[0], false)), indent, item, key, Values.truth(Args.or(v[3], false)));
        json.write(value, 0);
        return rendering.built(json.out.toString());
    }

    private void write(Object value, int depth) {
        rendering.step();
        if (value == null) {
            out.append("null");
        } else if (Values.isString(value)) {
            quote(Values.text(value));
        } else if (value instanceof Boolean || value instanceof Long || value instanceof BigInteger) {
            out.append(value);
        } else if (value instanceof Double d) {
            out.append(number(d));
        } else if (value instanceof Map<?, ?> map) {
            dict(map, depth);
        } else if (Values.isList(value) || value instanceof Tuple) {
            list(Values.sequence(value), depth);
        } else {
            throw TemplateException.type("Object of type " + Values.typeName(value) + " is not JSON serializable");
        }
        rendering.checkSize(out.length());
    }

    private static String number(double d) {
        return Double.isNaN(d) ? "NaN" : Double.isInfinite(d) ? (d > 0 ? "Infinity" : "-Infinity") : Floats.repr(d);
    }

    private void list(List<?> items, int depth) {
        if (items.isEmpty()) {
            out.append("[]");
            return;
        }
        out.append('[');
        String separator = "";
        for (Object item : items) {
            out.append(separator);
            newline(depth + 1);
            write(item, depth + 1);
            separator = itemSeparator;
        }
        newline(depth);
        out.append(']');
    }

    private void dict(Map<?, ?> map, int depth) {
        if (map.isEmpty()) {
            out.append("{}");
            return;
        }
        out.append('{');
        String separator = "";
        Iterator<? extends Map.Entry<?, ?>> entries =
                sortKeys ? sorted(map) : map.entrySet().iterator();
        while (entries.hasNext()) {
            Map.Entry<?, ?> entry = entries.next();
            out.append(separator);
            newline(depth + 1);
            quote(key(entry.getKey()));
            out.append(keySeparator);
            write(entry.getValue(), depth + 1);
            separator = itemSeparator;
        }
        newline(depth);
        out.append('}');
    }

    private Iterator<Map.Entry<Object, Object>> sorted(Map<?, ?> map) {
        Map<Object, Object> sorted = new TreeMap<>(Comparison.sorting(rendering));
        sorted.putAll(map);
        return sorted.entrySet().iterator();
    }

    private static String key(Object key) {
        if (Values.isString(key)) {
            return Values.text(key);
        }
        if (key == null) {
            return "null";
        }
        if (key instanceof Double d) {
            return number(d);
        }
        if (key instanceof Boolean || key instanceof Long || key instanceof BigInteger) {
            return key.toString();
        }
        throw TemplateException.type("keys must be str, int, float, bool or None, not " + Values.typeName(key));
    }

    private void newline(int depth) {
        if (indent != null) {
            rendering.checkSize(out.length() + (long) indent.length() * depth);
            out.append('\n').append(indent.repeat(depth));
        }
    }

    private void quote(String text) {
        rendering.charge(text.length() >> 4);
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> {
                    if (c < ' ' || ensureAscii && c > '~') {
                        escape(c);
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }

    private void escape(char c) {
        String hex = Integer.toHexString(c);
        out.append("\\u").append("0".repeat(4 - hex.length())).append(hex);
    }
}
