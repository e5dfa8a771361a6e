package dev.quire.chat.jinja;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** Attributes and items of values, with the rules of the immutable sandbox. */
final class Members {
    private static final Set<String> UNSAFE_LIST =
            Set.of("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");
    private static final Set<String> UNSAFE_DICT = Set.of("clear", "pop", "popitem", "setdefault", "update");
    /** What every Python object has; all of it is closed to templates. */
    private static final Set<String> OBJECT = Set.of(
            "__class__",
            "__delattr__",
            "__dir__",
            "__doc__",
            "__eq__",
            "__format__",
            "__ge__",
            "__getattribute__",
            "__gt__",
            "__hash__",
            "__init__",
            "__init_subclass__",
            "__le__",
            "__lt__",
            "__ne__",
            "__new__",
            "__reduce__",
            "__reduce_ex__",
            "__repr__",
            "__setattr__",
            "__sizeof__",
            "__str__",
            "__subclasshook__");

    private Members() {}

    /** {@code value.name}: an attribute, else an item of that key, else undefined. */
    static Object attribute(Rendering rendering, Object value, String name) {
        Object attribute = ownAttribute(value, name);
        if (attribute != Missing.MISSING) {
            return attribute;
        }
        if (value instanceof Map<?, ?> map) {
            Object item = Values.lookup(rendering, map, name);
            if (item != Missing.MISSING) {
                return item;
            }
        }
        return Undefined.member(value, name);
    }

    /** {@code value[index]}: an item, else an attribute of that name, else undefined. */
    static Object item(Rendering rendering, Object value, Object index) {
        Object item = ownItem(rendering, value, index);
        if (item != Missing.MISSING) {
            return item;
        }
        if (Values.isString(index)) {
            Object attribute = ownAttribute(value, Values.text(index));
            if (attribute != Missing.MISSING) {
                return attribute;
            }
        }
        return Undefined.member(value, index);
    }

    private static Object ownItem(Rendering rendering, Object value, Object index) {
        if (value instanceof Undefined undefined) {
            throw undefined.fail();
        }
        if (value instanceof Map<?, ?> map) {
            return Values.isHashable(index) ? Values.lookup(rendering, map, index) : Missing.MISSING;
        }
        if (!Values.isInteger(index)) {
            return Missing.MISSING;
        }
        long at = Numbers.saturated(index);
        List<?> sequence = Values.sequence(value);
        if (sequence != null) {
            long i = at < 0 ? at + sequence.size() : at;
            return i >= 0 && i < sequence.size() ? sequence.get((int) i) : Missing.MISSING;
        }
        if (Values.isString(value)) {
            rendering.read(value);
            String c = Text.at(Values.text(value), at);
            return c == null ? Missing.MISSING : value instanceof Markup ? new Markup(c) : c;
        }
        return Missing.MISSING;
    }

    /** What Python's getattr finds, guarded; {@link Missing} when there is no such attribute. */
    static Object ownAttribute(Object value, String name) {
        if (value instanceof Undefined undefined) {
            throw undefined.fail();
        }
        if (name.startsWith("__") && OBJECT.contains(name)) {
            return Undefined.unsafe(value, name);
        }
        if (value instanceof Map<?, ?> map) {
            return UNSAFE_DICT.contains(name) ? Undefined.unsafe(value, name) : dictMethod(map, name);
        }
        if (value instanceof String text) {
            Function method = StringMethods.find(name, text);
            return method == null ? Missing.MISSING : method;
        }
        if (value instanceof Markup markup) {
            return markup.method(name);
        }
        if (Values.isList(value) && UNSAFE_LIST.contains(name)) {
            return Undefined.unsafe(value, name);
        }
        List<?> sequence = Values.sequence(value);
        if (sequence != null) {
            Object named = value instanceof Tuple tuple ? tuple.attribute(name) : Missing.MISSING;
            return named != Missing.MISSING ? named : sequenceMethod(value, sequence, name);
        }
        return value instanceof TemplateObject object ? object.attribute(name) : numberAttribute(value, name);
    }

    private static Object dictMethod(Map<?, ?> map, String name) {
        return switch (name) {
            case "get" ->
                new Function(name, (r, args) -> {
                    if (args.size() == 0 || args.size() > 2 || !args.keywords().isEmpty()) {
                        throw TemplateException.type(
                                !args.keywords().isEmpty()
                                        ? "dict.get() takes no keyword arguments"
                                        : "get expected at " + (args.size() == 0 ? "least 1" : "most 2") + " argument"
                                                + (args.size() == 0 ? "" : "s") + ", got " + args.size());
                    }
                    Values.checkHashable(args.get(0));
                    Object found = Values.lookup(r, map, args.get(0));
                    return found != Missing.MISSING ? found : args.size() == 2 ? args.get(1) : null;
                });
            case "items" -> noArguments(name, new DictView(DictView.Part.ITEMS, map));
            case "keys" -> noArguments(name, new DictView(DictView.Part.KEYS, map));
            case "values" -> noArguments(name, new DictView(DictView.Part.VALUES, map));
            case "copy" -> noArguments(name, map);
            default -> Missing.MISSING;
        };
    }

    private static Function noArguments(String name, Object result) {
        return new Function(name, (r, args) -> {
            if (args.size() > 0 || !args.keywords().isEmpty()) {
                throw TemplateException.type("dict." + name + "() takes no arguments ("
                        + (args.size() + args.keywords().size()) + " given)");
            }
            return result;
        });
    }

    private static Object sequenceMethod(Object value, List<?> items, String name) {
        return switch (name) {
            case "index" ->
                new Function(name, (r, args) -> {
                    Object wanted = args.bind(name, 1, "value")[0];
                    for (int i = 0; i < items.size(); i++) {
                        r.step();
                        if (Comparison.equal(r, items.get(i), wanted)) {
                            return (long) i;
                        }
                    }
                    throw TemplateException.value(Repr.repr(wanted) + " is not in " + Values.typeName(value));
                });
            case "count" ->
                new Function(name, (r, args) -> {
                    Object wanted = args.bind(name, 1, "value")[0];
                    r.charge(items.size());
                    return items.stream()
                            .filter(item -> Comparison.equal(r, item, wanted))
                            .count();
                });
            // Nothing can change a list, so a copy is the list itself.
            case "copy" -> Values.isList(value) ? new Function(name, (r, args) -> value) : Missing.MISSING;
            default -> Missing.MISSING;
        };
    }

    private static Object numberAttribute(Object value, String name) {
        if (!Values.isNumber(value)) {
            return Missing.MISSING;
        }
        return switch (name) {
            case "real" -> Operators.plus(value);
            case "imag" -> value instanceof Double ? (Object) 0.0 : (Object) 0L;
            case "is_integer" ->
                value instanceof Double d
                        ? new Function(name, (r, args) -> !Double.isInfinite(d) && d == Math.rint(d))
                        : Missing.MISSING;
            case "bit_length" ->
                value instanceof Double
                        ? Missing.MISSING
                        : new Function(name, (r, args) ->
                                (long) Numbers.big(value).abs().bitLength());
            default -> Missing.MISSING;
        };
    }
}
