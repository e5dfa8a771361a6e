package dev.quire.chat.jinja;

import dev.quire.chat.jinja.Expr.BinaryOperator;
import java.util.ArrayList;
import java.util.List;

/** Python's arithmetic operators on all the types that know them. */
final class Operators {
    private Operators() {}

    static Object binary(Rendering rendering, BinaryOperator operator, Object a, Object b) {
        Object number = Numbers.binary(operator, a, b);
        if (number != null) {
            return number;
        }
        // A str formats anything, even what is undefined; other operators ask the undefined operand first.
        if (operator == BinaryOperator.MOD && Values.isString(a)) {
            return percent(rendering, a, b);
        }
        if (a instanceof Undefined undefined) {
            throw undefined.fail();
        }
        if (b instanceof Undefined undefined) {
            throw undefined.fail();
        }
        if (operator == BinaryOperator.ADD) {
            return add(rendering, a, b);
        }
        if (operator == BinaryOperator.MUL) {
            return multiply(rendering, a, b);
        }
        throw unsupported(operator, a, b);
    }

    private static TemplateException unsupported(BinaryOperator operator, Object a, Object b) {
        String symbol = operator == BinaryOperator.POW ? "** or pow()" : operator.symbol();
        return TemplateException.type("unsupported operand type(s) for " + symbol + ": " + Repr.repr(Values.typeName(a))
                + " and " + Repr.repr(Values.typeName(b)));
    }

    private static Object add(Rendering rendering, Object a, Object b) {
        if (a instanceof String x && b instanceof String y) {
            rendering.checkSize((long) x.length() + y.length());
            return rendering.built(x.concat(y));
        }
        if (Values.isString(a) && Values.isString(b)) {
            String joined = Markup.escape(a).text() + Markup.escape(b).text();
            return new Markup(rendering.built(joined));
        }
        if (Values.isList(a) && Values.isList(b)) {
            return joined(rendering, (List<?>) a, (List<?>) b);
        }
        if (a instanceof Tuple x && b instanceof Tuple y) {
            return new Tuple(joined(rendering, x.items(), y.items()));
        }
        if (a instanceof String || Values.isList(a) || a instanceof Tuple) {
            String type = Values.typeName(a);
            throw TemplateException.type(
                    "can only concatenate " + type + " (not \"" + Values.typeName(b) + "\") to " + type);
        }
        throw unsupported(BinaryOperator.ADD, a, b);
    }

    private static List<Object> joined(Rendering rendering, List<?> a, List<?> b) {
        int size = a.size() + b.size();
        rendering.checkCount(size);
        rendering.charge(size);
        List<Object> all = new ArrayList<>(size);
        all.addAll(a);
        all.addAll(b);
        return all;
    }

    private static Object multiply(Rendering rendering, Object a, Object b) {
        if (isRepeatable(a) && Values.isInteger(b)) {
            return repeated(rendering, a, Numbers.saturated(b));
        }
        if (isRepeatable(b) && Values.isInteger(a)) {
            return repeated(rendering, b, Numbers.saturated(a));
        }
        if (isRepeatable(a) || isRepeatable(b)) {
            throw TemplateException.type("can't multiply sequence by non-int of type "
                    + Repr.repr(Values.typeName(isRepeatable(a) ? b : a)));
        }
        throw unsupported(BinaryOperator.MUL, a, b);
    }

    private static boolean isRepeatable(Object value) {
        return Values.isString(value) || Values.isList(value) || value instanceof Tuple;
    }

    private static Object repeated(Rendering rendering, Object value, long times) {
        if (Values.isString(value)) {
            String text = Text.repeat(rendering, Values.text(value), times);
            return value instanceof Markup ? new Markup(text) : text;
        }
        List<?> items = Values.sequence(value);
        long count = items.isEmpty() ? 0 : Math.max(0, times);
        rendering.checkCount(count > Integer.MAX_VALUE ? count : count * items.size());
        rendering.charge(count * items.size());
        List<Object> all = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            all.addAll(items);
        }
        return value instanceof Tuple ? new Tuple(all) : all;
    }

    private static Object percent(Rendering rendering, Object format, Object values) {
        if (format instanceof Markup markup) {
            return new Markup(Percent.format(rendering, markup.text(), escaped(values)));
        }
        return Percent.format(rendering, (String) format, values);
    }

    /** What is formatted into markup is escaped first. */
    private static Object escaped(Object values) {
        if (values instanceof Tuple tuple) {
            return new Tuple(tuple.items().stream().map(Operators::escaped).toList());
        }
        return Values.isString(values) ? Markup.escape(values).text() : values;
    }

    static Object negate(Object value) {
        return Numbers.negate(number(value, "unary -"));
    }

    static Object plus(Object value) {
        Object number = number(value, "unary +");
        return number instanceof Boolean ? Numbers.integer(Numbers.big(number)) : number;
    }

    static Object abs(Object value) {
        if (!Values.isNumber(value)) {
            throw TemplateException.type("bad operand type for abs(): " + Repr.repr(Values.typeName(value)));
        }
        return Numbers.abs(value);
    }

    private static Object number(Object value, String operator) {
        if (value instanceof Undefined undefined) {
            throw undefined.fail();
        }
        if (!Values.isNumber(value)) {
            throw TemplateException.type("bad operand type for " + operator + ": " + Repr.repr(Values.typeName(value)));
        }
        return value;
    }
}
