package dev.quire.chat.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** What Python's built-in protocols say about a value: its type, truth, length, and iteration. */
final class Values {
    private Values() {}

    static boolean isString(Object value) {
        return value instanceof String || value instanceof Markup;
    }

    /** The characters of a value for which {@link #isString} holds. */
    static String text(Object value) {
        return value instanceof Markup markup ? markup.text() : (String) value;
    }

    static boolean isInteger(Object value) {
        return value instanceof Long || value instanceof Boolean || value instanceof BigInteger;
    }

    static boolean isNumber(Object value) {
        return value instanceof Double || isInteger(value);
    }

    /** Whether the value is Python's list; ranges are sequences, but no lists. */
    static boolean isList(Object value) {
        return value instanceof List && !(value instanceof Range);
    }

    /** The elements of a list, tuple or range, else null. */
    static List<?> sequence(Object value) {
        return value instanceof List<?> list ? list : value instanceof Tuple tuple ? tuple.items() : null;
    }

    static String typeName(Object value) {
        if (value == null) {
            return "NoneType";
        }
        if (value instanceof TemplateObject object) {
            return object.typeName();
        }
        return value instanceof String
                ? "str"
                : value instanceof Boolean
                        ? "bool"
                        : value instanceof Double
                                ? "float"
                                : value instanceof List
                                        ? "list"
                                        : value instanceof Map
                                                ? "dict"
                                                : isInteger(value)
                                                        ? "int"
                                                        : value.getClass().getSimpleName();
    }

    static String qualifiedTypeName(Object value) {
        if (value == null) {
            return "None";
        }
        String name = value instanceof TemplateObject object ? object.qualifiedTypeName() : typeName(value);
        return name.endsWith(" object") ? name : name + " object";
    }

    static boolean truth(Object value) {
        if (value instanceof Boolean bool) {
            return bool;
        }
        if (value instanceof String text) {
            return !text.isEmpty();
        }
        if (value == null) {
            return false;
        }
        if (value instanceof TemplateObject object) {
            return object.truth();
        }
        if (value instanceof List<?> list) {
            return !list.isEmpty();
        }
        if (value instanceof Map<?, ?> map) {
            return !map.isEmpty();
        }
        return !isNumber(value) || Numbers.signum(value) != 0;
    }

    static boolean isSized(Object value) {
        return value instanceof List
                || value instanceof Map
                || value instanceof Tuple
                || value instanceof DictView
                || value instanceof Undefined
                || value instanceof LoopContext
                || isString(value);
    }

    static long length(Object value) {
        if (isString(value)) {
            return Text.length(text(value));
        }
        List<?> sequence = sequence(value);
        if (sequence != null) {
            return sequence.size();
        }
        if (value instanceof Map<?, ?> map) {
            return map.size();
        }
        if (value instanceof DictView view) {
            return view.map().size();
        }
        if (value instanceof LoopContext loop) {
            return (Long) loop.attribute("length");
        }
        if (value instanceof Undefined) {
            return 0;
        }
        throw TemplateException.type("object of type " + Repr.repr(typeName(value)) + " has no len()");
    }

    static boolean isIterable(Object value) {
        return isSized(value) || value instanceof Generator;
    }

    @SuppressWarnings("unchecked")
    static Iterator<Object> iterate(Object value) {
        List<?> sequence = sequence(value);
        if (sequence != null) {
            return (Iterator<Object>) sequence.iterator();
        }
        if (value instanceof Map<?, ?> map) {
            return (Iterator<Object>) map.keySet().iterator();
        }
        if (isString(value)) {
            return Text.characters(text(value), value instanceof Markup);
        }
        if (value instanceof Generator generator) {
            return generator.iterator();
        }
        if (value instanceof DictView view) {
            return view.iterator();
        }
        if (value instanceof Undefined) {
            return Collections.emptyIterator();
        }
        throw TemplateException.type(Repr.repr(typeName(value)) + " object is not iterable");
    }

    /** A new list of all that iterating {@code value} gives. */
    static List<Object> list(Rendering rendering, Object value) {
        List<Object> list = new ArrayList<>();
        Iterator<Object> items = iterate(value);
        while (items.hasNext()) {
            list.add(items.next());
            rendering.step();
            rendering.checkCount(list.size());
        }
        return list;
    }

    /** The {@code count} items of a value that must have exactly so many. */
    static Object[] unpack(Object value, int count) {
        if (!isIterable(value)) {
            throw TemplateException.type("cannot unpack non-iterable " + typeName(value) + " object");
        }
        Object[] values = new Object[count];
        Iterator<Object> items = iterate(value);
        for (int i = 0; i < count; i++) {
            if (!items.hasNext()) {
                throw TemplateException.value("not enough values to unpack (expected " + count + ", got " + i + ")");
            }
            values[i] = items.next();
        }
        if (items.hasNext()) {
            throw TemplateException.value("too many values to unpack (expected " + count + ")");
        }
        return values;
    }

    /** The value of a key, or {@link Missing}; keys compare as Python's do, so 1, 1.0 and true are one. */
    static Object lookup(Rendering rendering, Map<?, ?> map, Object key) {
        Object plain = key instanceof Markup markup ? markup.text() : key;
        Object value = map.get(plain);
        if (value != null || map.containsKey(plain)) {
            return value;
        }
        if (plain == null || plain instanceof String) {
            return Missing.MISSING;
        }
        rendering.charge(map.size());
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (!(entry.getKey() instanceof String) && Comparison.equal(rendering, entry.getKey(), plain)) {
                return entry.getValue();
            }
        }
        return Missing.MISSING;
    }

    static void put(Rendering rendering, Map<Object, Object> map, Object key, Object value) {
        checkHashable(key);
        Object plain = key instanceof Markup markup ? markup.text() : key;
        if (!(plain instanceof String) && !map.containsKey(plain)) {
            rendering.charge(map.size());
            for (Map.Entry<Object, Object> entry : map.entrySet()) {
                if (Comparison.equal(rendering, entry.getKey(), plain)) {
                    entry.setValue(value);
                    return;
                }
            }
        }
        map.put(plain, value);
    }

    static boolean isHashable(Object value) {
        return !isList(value)
                && !(value instanceof Map)
                && !(value instanceof DictView)
                && !(value instanceof Tuple tuple && !tuple.items().stream().allMatch(Values::isHashable));
    }

    static void checkHashable(Object value) {
        if (!isHashable(value)) {
            throw TemplateException.type("unhashable type: " + Repr.repr(typeName(value)));
        }
    }
}
