package dev.quire.chat.jinja;

import java.math.BigInteger;
import org.jspecify.annotations.Nullable;

/**
 * Python's format specification {@code [[fill]align][sign][#][0][width][grouping][.precision][type]}.
 *
 * @param fill the padding character
 * @param align one of {@code < > = ^}, or 0 for the type's own
 * @param sign one of {@code + -} and space
 * @param grouping {@code ,} or {@code _}, or 0
 * @param precision -1 when absent
 * @param type 0 when absent
 */
record FormatSpec(
        String fill, char align, char sign, boolean alternate, long width, char grouping, int precision, char type) {

    /** A float of more digits than this was meant to exhaust memory. */
    private static final int MAX_PRECISION = 10_000;

    /** {@code format(value, spec)}. */
    static String format(Rendering r, Object value, String spec) {
        if (spec.isEmpty()) {
            return r.built(Repr.str(value));
        }
        boolean number = Values.isNumber(value);
        if (!number && !Values.isString(value)) {
            throw TemplateException.type(
                    "unsupported format string passed to " + Values.typeName(value) + ".__format__");
        }
        FormatSpec parsed = parse(spec, value);
        return number ? parsed.number(r, value) : parsed.string(r, Values.text(value));
    }

    private static FormatSpec parse(String spec, Object value) {
        int i = 0;
        String fill = " ";
        char align = 0;
        int second = spec.offsetByCodePoints(0, 1);
        if (second < spec.length() && isAlign(spec.charAt(second))) {
            fill = spec.substring(0, second);
            align = spec.charAt(second);
            i = second + 1;
        } else if (isAlign(spec.charAt(0))) {
            align = spec.charAt(i++);
        }
        char sign = i < spec.length() && "+- ".indexOf(spec.charAt(i)) >= 0 ? spec.charAt(i++) : '-';
        boolean alternate = i < spec.length() && spec.charAt(i) == '#';
        i += alternate ? 1 : 0;
        if (i < spec.length() && spec.charAt(i) == '0') {
            fill = align == 0 ? "0" : fill;
            align = align == 0 ? (Values.isNumber(value) ? '=' : '<') : align;
            i++;
        }
        int digits = digits(spec, i);
        long width = number(spec, i, digits, 0);
        i = digits;
        char grouping = i < spec.length() && (spec.charAt(i) == ',' || spec.charAt(i) == '_') ? spec.charAt(i++) : 0;
        int precision = -1;
        if (i < spec.length() && spec.charAt(i) == '.') {
            digits = digits(spec, i + 1);
            if (digits == i + 1) {
                throw TemplateException.value("Format specifier missing precision");
            }
            precision = (int) Math.min(Integer.MAX_VALUE, number(spec, i + 1, digits, -1));
            i = digits;
        }
        char type = i < spec.length() ? spec.charAt(i++) : 0;
        if (i < spec.length()) {
            throw TemplateException.value("Invalid format specifier " + Repr.repr(spec) + " for object of type "
                    + Repr.repr(Values.typeName(value)));
        }
        return new FormatSpec(fill, align, sign, alternate, width, grouping, precision, type);
    }

    private static boolean isAlign(char c) {
        return c == '<' || c == '>' || c == '=' || c == '^';
    }

    private static int digits(String spec, int from) {
        int i = from;
        while (i < spec.length() && spec.charAt(i) >= '0' && spec.charAt(i) <= '9') {
            i++;
        }
        return i;
    }

    private static long number(String spec, int from, int to, long absent) {
        if (to - from > 9) {
            throw TemplateException.value("Too many decimal digits in format string");
        }
        return from == to ? absent : Long.parseLong(spec.substring(from, to));
    }

    private TemplateException unknown(Object value) {
        return TemplateException.value(
                "Unknown format code '" + type + "' for object of type " + Repr.repr(Values.typeName(value)));
    }

    private String string(Rendering r, String text) {
        if (type != 0 && type != 's') {
            throw unknown(text);
        }
        String shown = precision >= 0 && precision < Text.length(text)
                ? text.substring(0, Text.offset(text, precision))
                : text;
        return padded(r, "", shown, '<');
    }

    private String number(Rendering r, Object value) {
        if (value instanceof Double || "eEfFgG%".indexOf(type) >= 0 && type != 0) {
            return real(r, Numbers.real(value));
        }
        if (precision >= 0) {
            throw TemplateException.value("Precision not allowed in integer format specifier");
        }
        BigInteger integer = Numbers.big(value);
        int radix =
                switch (type) {
                    case 0, 'd', 'n' -> 10;
                    case 'b' -> 2;
                    case 'o' -> 8;
                    case 'x', 'X' -> 16;
                    case 'c' -> 0;
                    default -> throw unknown(value);
                };
        if (radix == 0) {
            return padded(r, "", Character.toString(integer.intValueExact()), '<');
        }
        String digits = integer.abs().toString(radix);
        String prefix = alternate && radix != 10 ? "0" + type : "";
        return padded(
                r,
                signOf(integer.signum() < 0) + prefix,
                grouped(type == 'X' ? Text.upper(digits) : digits, radix == 10 ? 3 : 4),
                '>');
    }

    private String real(Rendering r, double d) {
        if (type != 0 && "eEfFgGn%".indexOf(type) < 0) {
            throw unknown(d);
        }
        if (precision > MAX_PRECISION) {
            throw TemplateException.value("precision too big");
        }
        boolean negative = Math.copySign(1, d) < 0 && !Double.isNaN(d);
        String digits;
        if (type == 0 && precision < 0) {
            digits = Floats.repr(Math.abs(d));
        } else if (type == 0) {
            // Like g, but a whole number keeps its .0.
            digits = Floats.format(d, 'g', precision, false);
            digits = digits.chars().allMatch(Character::isDigit) ? digits + ".0" : digits;
        } else if (type == '%') {
            digits = Floats.format(d * 100, 'f', precision < 0 ? 6 : precision, alternate) + "%";
        } else {
            digits = Floats.format(d, type == 'n' ? 'g' : type, precision < 0 ? 6 : precision, alternate);
        }
        return padded(r, signOf(negative), grouped(digits, 3), '>');
    }

    private String signOf(boolean negative) {
        return negative ? "-" : sign == '-' ? "" : String.valueOf(sign);
    }

    private String grouped(String digits, int size) {
        if (grouping == 0) {
            return digits;
        }
        int end = 0;
        while (end < digits.length() && Character.isLetterOrDigit(digits.charAt(end)) && digits.charAt(end) != 'e') {
            end++;
        }
        StringBuilder out = new StringBuilder(digits);
        for (int i = end - size; i > 0; i -= size) {
            out.insert(i, grouping);
        }
        return out.toString();
    }

    private String padded(Rendering r, String head, String body, char ownAlign) {
        long missing = width - Text.length(head) - Text.length(body);
        if (missing <= 0) {
            return r.built(head + body);
        }
        char side = align == 0 ? ownAlign : align;
        return switch (side) {
            case '<' -> head + body + Text.repeat(r, fill, missing);
            case '=' -> head + Text.repeat(r, fill, missing) + body;
            case '^' -> Text.repeat(r, fill, missing / 2) + head + body + Text.repeat(r, fill, missing - missing / 2);
            default -> Text.repeat(r, fill, missing) + head + body;
        };
    }

    /** The conversion {@code !s}, {@code !r} or {@code !a} of a replacement field. */
    static Object converted(Object value, @Nullable String conversion) {
        if (conversion == null) {
            return value;
        }
        return switch (conversion) {
            case "s" -> Repr.str(value);
            case "r" -> Repr.repr(value);
            case "a" -> ascii(Repr.repr(value));
            default -> throw TemplateException.value("Unknown conversion specifier " + conversion);
        };
    }

    static String ascii(String repr) {
        StringBuilder out = new StringBuilder(repr.length());
        repr.codePoints().forEach(c -> {
            if (c < 128) {
                out.append((char) c);
            } else {
                out.append(
                        c <= 0xff
                                ? String.format("\\x%02x", c)
                                : String.format(c <= 0xffff ? "\\u%04x" : "\\U%08x", c));
            }
        });
        return out.toString();
    }
}
