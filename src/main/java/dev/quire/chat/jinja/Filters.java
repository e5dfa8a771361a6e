package dev.quire.chat.jinja;

import dev.quire.chat.jinja.Expr.BinaryOperator;
import dev.quire.chat.jinja.TemplateException.Kind;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The filters of jinja2/filters.py 3.1, except urlize, wordwrap, pprint and random. */
final class Filters {
    private static final Map<String, FilterFunction> TABLE = table();

    private Filters() {}

    private static Map<String, FilterFunction> table() {
        Map<String, FilterFunction> table = new HashMap<>();
        TextFilters.addTo(table);
        SequenceFilters.addTo(table);
        SelectionFilters.addTo(table);
        table.put("tojson", Json::filter);
        table.put("default", Filters::orDefault);
        table.put("d", Filters::orDefault);
        table.put("abs", (r, v, a) -> Operators.abs(none("abs", v, a)));
        table.put("int", Filters::toInteger);
        table.put("float", Filters::toFloat);
        table.put("round", Filters::round);
        table.put("filesizeformat", Filters::fileSize);
        table.put("attr", (r, v, a) -> {
            Object name = a.bind("do_attr", 1, "name")[0];
            if (!Values.isString(name)) {
                throw TemplateException.type("attribute name must be string, not " + Repr.repr(Values.typeName(name)));
            }
            Object attribute = Members.ownAttribute(v, Values.text(name));
            return attribute == Missing.MISSING ? Undefined.member(v, name) : attribute;
        });
        return Map.copyOf(table);
    }

    static @Nullable FilterFunction find(String name) {
        return TABLE.get(name);
    }

    /** {@code value}, once it is sure that the filter got no arguments. */
    static Object none(String filter, Object value, Args args) {
        args.bind(filter, 0);
        return value;
    }

    private static Object orDefault(Rendering r, Object value, Args args) {
        Object[] v = args.bind("do_default", 0, "default_value", "boolean");
        boolean falseToo = Values.truth(Args.or(v[1], false));
        return value instanceof Undefined || falseToo && !Values.truth(value) ? Args.or(v[0], "") : value;
    }

    private static Object toInteger(Rendering r, Object value, Args args) {
        Object[] v = args.bind("do_int", 0, "default", "base");
        if (value instanceof Undefined undefined) {
            throw undefined.fail();
        }
        Object result = null;
        if (Values.isString(value)) {
            result = Numbers.parseInteger(Values.text(value), v[1] == Missing.MISSING ? 10 : Numbers.index(v[1]));
        } else if (value instanceof Double d && Double.isInfinite(d)) {
            // int(inf) is the one failure that the reference does not turn into the default.
            return Numbers.truncate(d);
        }
        if (result == null) {
            Double d = real(value);
            result = d == null || d.isNaN() || d.isInfinite()
                    ? null
                    : Values.isInteger(value) ? Numbers.integer(Numbers.big(value)) : Numbers.truncate(d);
        }
        return result == null ? Args.or(v[0], 0L) : result;
    }

    private static Object toFloat(Rendering r, Object value, Args args) {
        Object fallback = Args.or(args.bind("do_float", 0, "default")[0], 0.0);
        if (value instanceof Undefined undefined) {
            throw undefined.fail();
        }
        Double d = real(value);
        return d == null ? fallback : d;
    }

    /** {@code float(value)}, or null when that is a TypeError or ValueError. */
    private static @Nullable Double real(Object value) {
        if (Values.isNumber(value)) {
            return Numbers.real(value);
        }
        if (!Values.isString(value)) {
            return null;
        }
        String text = Text.lower(Text.strip(Values.text(value), null, true, true));
        String unsigned = text.startsWith("-") || text.startsWith("+") ? text.substring(1) : text;
        double sign = text.startsWith("-") ? -1 : 1;
        switch (unsigned) {
            case "inf", "infinity":
                return sign * Double.POSITIVE_INFINITY;
            case "nan":
                return Double.NaN;
            default:
                // Java also reads hexadecimal and type suffixes, Python does not.
                boolean plain = StringMethods.all(unsigned, c -> c >= '0' && c <= '9' || ".e+-_".indexOf(c) >= 0);
                try {
                    return plain && isGrouped(unsigned) ? Double.valueOf(text.replace("_", "")) : null;
                } catch (NumberFormatException e) {
                    return null;
                }
        }
    }

    /** Whether every underscore stands between two digits. */
    private static boolean isGrouped(String text) {
        for (int i = text.indexOf('_'); i >= 0; i = text.indexOf('_', i + 1)) {
            if (i == 0
                    || i + 1 == text.length()
                    || !Character.isDigit(text.charAt(i - 1))
                    || !Character.isDigit(text.charAt(i + 1))) {
                return false;
            }
        }
        return true;
    }

    private static Object round(Rendering r, Object value, Args args) {
        Object[] v = args.bind("do_round", 0, "precision", "method");
        String method = v[1] == Missing.MISSING ? "common" : Repr.str(v[1]);
        Object precision = Args.or(v[0], 0L);
        switch (method) {
            case "common":
                if (!Values.isNumber(value)) {
                    throw TemplateException.type("type " + Values.typeName(value) + " doesn't define __round__ method");
                }
                return precision == null && value instanceof Double d
                        ? Numbers.truncate(Math.rint(d))
                        : Numbers.round(value, precision == null ? 0 : Numbers.index(precision));
            case "ceil", "floor":
                Object scale = Operators.binary(r, BinaryOperator.POW, 10L, precision);
                Object scaled = Operators.binary(r, BinaryOperator.MUL, value, scale);
                if (!Values.isNumber(scaled)) {
                    throw TemplateException.type("must be real number, not " + Values.typeName(scaled));
                }
                Object whole = scaled instanceof Double d
                        ? Numbers.truncate(method.equals("ceil") ? Math.ceil(d) : Math.floor(d))
                        : scaled;
                return Operators.binary(r, BinaryOperator.DIV, whole, scale);
            default:
                throw new TemplateException(Kind.FILTER_ARGUMENT, "method must be common, ceil or floor");
        }
    }

    private static Object fileSize(Rendering r, Object value, Args args) {
        boolean binary = Values.truth(Args.or(args.bind("do_filesizeformat", 0, "binary")[0], false));
        Double bytes = real(value);
        if (value instanceof Undefined undefined) {
            throw undefined.fail();
        }
        if (bytes == null && !Values.isString(value)) {
            throw TemplateException.type(
                    "float() argument must be a string or a real number, not " + Repr.repr(Values.typeName(value)));
        }
        if (bytes == null) {
            throw TemplateException.value("could not convert string to float: " + Repr.repr(value));
        }
        double base = binary ? 1024 : 1000;
        if (bytes == 1) {
            return "1 Byte";
        }
        if (bytes < base) {
            return Numbers.truncate(bytes) + " Bytes";
        }
        String prefixes = "kMGTPEZY";
        int i = 0;
        double unit = base * base;
        while (bytes >= unit && i < prefixes.length() - 1) {
            i++;
            unit *= base;
        }
        String prefix = prefixes.substring(i, i + 1);
        return Floats.format(base * bytes / unit, 'f', 1, false) + " "
                + (binary ? Text.upper(prefix) + "iB" : prefix + "B");
    }
}
