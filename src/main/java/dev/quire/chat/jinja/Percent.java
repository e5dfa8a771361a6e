package dev.quire.chat.jinja;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;

/** Python's {@code text % values}. */
final class Percent {
    private final Rendering rendering;
    private final String format;
    private final Object values;
    private final List<?> tuple;
    private int used;
    private int pos;
    private boolean byName;

    private Percent(Rendering rendering, String format, Object values) {
        this.rendering = rendering;
        this.format = format;
        this.values = values;
        this.tuple = values instanceof Tuple t ? t.items() : null;
    }

    static String format(Rendering rendering, String format, Object values) {
        return rendering.built(new Percent(rendering, format, values).run());
    }

    private String run() {
        StringBuilder out = new StringBuilder();
        while (pos < format.length()) {
            char c = format.charAt(pos++);
            if (c == '%') {
                out.append(conversion());
                rendering.checkSize(out.length());
            } else {
                out.append(c);
            }
        }
        boolean leftOver = tuple != null
                ? used < tuple.size()
                : used == 0 && !byName && !(values instanceof Map) && !Values.isList(values);
        if (leftOver && !(values instanceof Undefined)) {
            throw TemplateException.type("not all arguments converted during string formatting");
        }
        return out.toString();
    }

    private char next() {
        if (pos >= format.length()) {
            throw TemplateException.value("incomplete format");
        }
        return format.charAt(pos++);
    }

    private String conversion() {
        rendering.step();
        char c = next();
        Object named = Missing.MISSING;
        if (c == '(') {
            named = named();
            c = next();
        }
        StringBuilder flags = new StringBuilder();
        while ("#0- +".indexOf(c) >= 0) {
            flags.append(c);
            c = next();
        }
        long width = 0;
        if (c == '*') {
            width = Numbers.index(argument());
            c = next();
        }
        while (c >= '0' && c <= '9') {
            width = Math.min(width * 10 + (c - '0'), Integer.MAX_VALUE);
            c = next();
        }
        int precision = -1;
        if (c == '.') {
            precision = 0;
            c = next();
            while (c >= '0' && c <= '9') {
                precision = Math.min(precision * 10 + (c - '0'), 10_000);
                c = next();
            }
        }
        while (c == 'l' || c == 'h' || c == 'L') {
            c = next();
        }
        if (c == '%') {
            return "%";
        }
        Object value = named == Missing.MISSING ? argument() : named;
        return padded(c, value, flags.toString(), width, precision);
    }

    private Object named() {
        int open = 1;
        int start = pos;
        while (open > 0) {
            char c = next();
            open += c == '(' ? 1 : c == ')' ? -1 : 0;
        }
        if (!(values instanceof Map<?, ?> map)) {
            throw TemplateException.type("format requires a mapping");
        }
        byName = true;
        String key = format.substring(start, pos - 1);
        Object value = Values.lookup(rendering, map, key);
        if (value == Missing.MISSING) {
            throw new TemplateException(TemplateException.Kind.KEY, Repr.repr(key));
        }
        return value;
    }

    private Object argument() {
        if (tuple == null ? used > 0 : used >= tuple.size()) {
            throw TemplateException.type("not enough arguments for format string");
        }
        return tuple == null ? (used++ == 0 ? values : null) : tuple.get(used++);
    }

    private String padded(char type, Object value, String flags, long width, int precision) {
        boolean left = flags.indexOf('-') >= 0;
        boolean zero = flags.indexOf('0') >= 0 && !left && "diuoxXeEfFgG".indexOf(type) >= 0;
        String body = body(type, value, flags.indexOf('#') >= 0, precision);
        String sign = "";
        if ("diuoxXeEfFgG".indexOf(type) >= 0) {
            boolean negative = body.startsWith("-");
            body = negative ? body.substring(1) : body;
            sign = negative ? "-" : flags.indexOf('+') >= 0 ? "+" : flags.indexOf(' ') >= 0 ? " " : "";
        }
        long missing = width - Text.length(body) - sign.length();
        String fill = Text.repeat(rendering, zero ? "0" : " ", missing);
        return left ? sign + body + fill : zero ? sign + fill + body : fill + sign + body;
    }

    private String body(char type, Object value, boolean alternate, int precision) {
        return switch (type) {
            case 's' -> cut(Repr.str(value), precision);
            case 'r' -> cut(Repr.repr(value), precision);
            case 'a' -> cut(FormatSpec.ascii(Repr.repr(value)), precision);
            case 'c' -> Values.isString(value) ? Values.text(value) : Character.toString((int) Numbers.index(value));
            case 'd', 'i', 'u' -> integer(type, value, 10, precision, "");
            case 'o' -> integer(type, value, 8, precision, alternate ? "0o" : "");
            case 'x' -> integer(type, value, 16, precision, alternate ? "0x" : "");
            case 'X' -> Text.upper(integer(type, value, 16, precision, alternate ? "0x" : ""));
            case 'e', 'E', 'f', 'F', 'g', 'G' -> {
                if (!Values.isNumber(value)) {
                    throw TemplateException.type("must be real number, not " + Values.typeName(value));
                }
                double d = Numbers.real(value);
                String digits = Floats.format(d, type, precision < 0 ? 6 : precision, alternate);
                yield Math.copySign(1, d) < 0 && !Double.isNaN(d) ? "-" + digits : digits;
            }
            default ->
                throw TemplateException.value("unsupported format character '" + type + "' (0x"
                        + Integer.toHexString(type) + ") at index " + (pos - 1));
        };
    }

    private static String cut(String text, int precision) {
        return precision >= 0 && precision < Text.length(text) ? text.substring(0, Text.offset(text, precision)) : text;
    }

    private static String integer(char type, Object value, int radix, int precision, String prefix) {
        boolean real = value instanceof Double && radix == 10;
        if (!real && !Values.isInteger(value)) {
            throw TemplateException.type("%" + type + " format: " + (radix == 10 ? "a real number" : "an integer")
                    + " is required, not " + Values.typeName(value));
        }
        BigInteger integer = Numbers.big(real ? Numbers.truncate((Double) value) : value);
        String digits = integer.abs().toString(radix);
        String zeros = "0".repeat(Math.max(0, precision - digits.length()));
        return (integer.signum() < 0 ? "-" : "") + prefix + zeros + digits;
    }
}
