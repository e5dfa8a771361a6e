package dev.quire.chat.jinja;

import java.math.BigInteger;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Python's {@code str()} and {@code repr()}. */
final class Repr {
    /** A value that prints longer than this was built to exhaust memory. */
    private static final int MAX_CHARS = 64 << 20;

    private Repr() {}

    static String str(Object value) {
        if (value instanceof String text) {
            return text;
        }
        if (value instanceof Markup markup) {
            return markup.text();
        }
        return value instanceof Undefined ? "" : repr(value);
    }

    static String repr(Object value) {
        StringBuilder out = new StringBuilder();
        write(out, value);
        return out.toString();
    }

    private static void write(StringBuilder out, Object value) {
        if (out.length() > MAX_CHARS) {
            throw new TemplateException(
                    TemplateException.Kind.LIMIT, "template prints a value of more than " + MAX_CHARS + " characters");
        }
        if (value == null) {
            out.append("None");
        } else if (value instanceof String text) {
            quote(out, text);
        } else if (value instanceof Boolean bool) {
            out.append(bool ? "True" : "False");
        } else if (value instanceof Double d) {
            out.append(Floats.repr(d));
        } else if (value instanceof Long || value instanceof BigInteger) {
            out.append(value);
        } else if (Values.isList(value)) {
            sequence(out, ((List<?>) value).iterator(), "[", "]");
        } else if (value instanceof Map<?, ?> map) {
            dict(out, map);
        } else if (value instanceof Tuple tuple) {
            sequence(out, tuple.items().iterator(), "(", tuple.items().size() == 1 ? ",)" : ")");
        } else if (value instanceof DictView view) {
            sequence(out.append(view.typeName()), view.iterator(), "([", "])");
        } else if (value instanceof TemplateObject object) {
            out.append(object.repr());
        } else {
            out.append(value);
        }
    }

    private static void sequence(StringBuilder out, Iterator<?> items, String open, String close) {
        out.append(open);
        String separator = "";
        while (items.hasNext()) {
            out.append(separator);
            write(out, items.next());
            separator = ", ";
        }
        out.append(close);
    }

    private static void dict(StringBuilder out, Map<?, ?> map) {
        out.append('{');
        String separator = "";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.append(separator);
            write(out, entry.getKey());
            out.append(": ");
            write(out, entry.getValue());
            separator = ", ";
        }
        out.append('}');
    }

    private static void quote(StringBuilder out, String text) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        out.append(quote);
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            if (c == quote || c == '\\') {
                out.append('\\').append((char) c);
            } else if (c >= ' ' && c < 0x7f) {
                out.append((char) c);
            } else if (c == '\n') {
                out.append("\\n");
            } else if (c == '\r') {
                out.append("\\r");
            } else if (c == '\t') {
                out.append("\\t");
            } else if (isPrintable(c)) {
                out.appendCodePoint(c);
            } else if (c <= 0xff) {
                hex(out, 'x', 2, c);
            } else if (c <= 0xffff) {
                hex(out, 'u', 4, c);
            } else {
                hex(out, 'U', 8, c);
            }
        }
        out.append(quote);
    }

    private static void hex(StringBuilder out, char kind, int digits, int c) {
        String text = Integer.toHexString(c);
        out.append('\\').append(kind).append("0".repeat(digits - text.length())).append(text);
    }

    static boolean isPrintable(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            case Character.SPACE_SEPARATOR -> c == ' ';
            default -> true;
        };
    }
}
