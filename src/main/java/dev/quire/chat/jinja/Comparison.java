package dev.quire.chat.jinja;

import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Python's {@code ==}, {@code <} and {@code in}; every element looked at is a step. */
final class Comparison {
    private Comparison() {}

    static boolean equal(Rendering rendering, Object a, Object b) {
        if (a == b) {
            return !Numbers.isNan(a);
        }
        if (a == null || b == null) {
            return false;
        }
        if (Values.isString(a)) {
            rendering.read(a);
            return Values.isString(b) && Values.text(a).equals(Values.text(b));
        }
        if (Values.isNumber(a)) {
            return Values.isNumber(b) && !Numbers.isNan(a) && !Numbers.isNan(b) && Numbers.compare(a, b) == 0;
        }
        rendering.step();
        if (a instanceof Map<?, ?> x) {
            return b instanceof Map<?, ?> y && equalMaps(rendering, x, y);
        }
        if (Values.isList(a) && Values.isList(b)
                || a instanceof Tuple && b instanceof Tuple
                || a instanceof Range && b instanceof Range) {
            return equalSequences(rendering, Values.sequence(a), Values.sequence(b));
        }
        return a instanceof Undefined && b instanceof Undefined;
    }

    private static boolean equalSequences(Rendering rendering, List<?> x, List<?> y) {
        if (x.size() != y.size()) {
            return false;
        }
        Iterator<?> others = y.iterator();
        for (Object item : x) {
            rendering.step();
            if (!equal(rendering, item, others.next())) {
                return false;
            }
        }
        return true;
    }

    private static boolean equalMaps(Rendering rendering, Map<?, ?> x, Map<?, ?> y) {
        if (x.size() != y.size()) {
            return false;
        }
        for (Map.Entry<?, ?> entry : x.entrySet()) {
            rendering.step();
            Object other = Values.lookup(rendering, y, entry.getKey());
            if (other == Missing.MISSING || !equal(rendering, entry.getValue(), other)) {
                return false;
            }
        }
        return true;
    }

    /** {@code a symbol b}, where the symbol is one of {@code < <= > >=}. */
    static boolean ordered(Rendering rendering, String symbol, Object a, Object b) {
        if (Numbers.isNan(a) && Values.isNumber(b) || Numbers.isNan(b) && Values.isNumber(a)) {
            return false;
        }
        int order = order(rendering, symbol, a, b);
        return switch (symbol) {
            case "<" -> order < 0;
            case "<=" -> order <= 0;
            case ">" -> order > 0;
            default -> order >= 0;
        };
    }

    private static int order(Rendering rendering, String symbol, Object a, Object b) {
        if (a instanceof Undefined undefined) {
            throw undefined.fail();
        }
        if (b instanceof Undefined undefined) {
            throw undefined.fail();
        }
        if (Values.isNumber(a) && Values.isNumber(b)) {
            return Numbers.compare(a, b);
        }
        if (Values.isString(a) && Values.isString(b)) {
            return Text.compare(Values.text(a), Values.text(b));
        }
        if (Values.isList(a) && Values.isList(b) || a instanceof Tuple && b instanceof Tuple) {
            Iterator<?> others = Values.sequence(b).iterator();
            for (Object item : Values.sequence(a)) {
                rendering.step();
                if (!others.hasNext()) {
                    return 1;
                }
                Object other = others.next();
                if (!equal(rendering, item, other)) {
                    return order(rendering, symbol, item, other);
                }
            }
            return others.hasNext() ? -1 : 0;
        }
        throw TemplateException.type("'" + symbol + "' not supported between instances of "
                + Repr.repr(Values.typeName(a)) + " and " + Repr.repr(Values.typeName(b)));
    }

    /** The order in which Python's {@code sorted} puts values. */
    static Comparator<Object> sorting(Rendering rendering) {
        return (a, b) -> {
            rendering.step();
            return ordered(rendering, "<", a, b) ? -1 : ordered(rendering, "<", b, a) ? 1 : 0;
        };
    }

    static boolean contains(Rendering rendering, Object container, Object item) {
        if (Values.isString(container)) {
            if (!Values.isString(item)) {
                throw TemplateException.type(
                        "'in <string>' requires string as left operand, not " + Values.typeName(item));
            }
            String text = Values.text(container);
            rendering.charge(text.length() >> 4);
            return text.contains(Values.text(item));
        }
        Map<?, ?> keys = container instanceof DictView view && view.part() == DictView.Part.KEYS
                ? view.map()
                : container instanceof Map<?, ?> map ? map : null;
        if (keys != null) {
            Values.checkHashable(item);
            return Values.lookup(rendering, keys, item) != Missing.MISSING;
        }
        if (!Values.isIterable(container)) {
            throw TemplateException.type(
                    "argument of type " + Repr.repr(Values.typeName(container)) + " is not iterable");
        }
        Iterator<Object> items = Values.iterate(container);
        while (items.hasNext()) {
            rendering.step();
            if (equal(rendering, items.next(), item)) {
                return true;
            }
        }
        return false;
    }
}
