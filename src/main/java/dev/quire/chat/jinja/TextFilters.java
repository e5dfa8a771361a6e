package dev.quire.chat.jinja;

import dev.quire.chat.jinja.TemplateException.Kind;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Filters that make text. */
final class TextFilters {
    /** How much longer than asked a text may be before truncate cuts it. */
    private static final long TRUNCATE_LEEWAY = 5;

    private TextFilters() {}

    static void addTo(Map<String, FilterFunction> table) {
        table.put("string", (r, v, a) -> soft(Filters.none("soft_str", v, a)));
        table.put("safe", (r, v, a) -> {
            Object value = Filters.none("do_mark_safe", v, a);
            return value instanceof Markup ? value : new Markup(Repr.str(value));
        });
        table.put("escape", (r, v, a) -> Markup.escape(Filters.none("escape", v, a)));
        table.put("e", table.get("escape"));
        table.put("forceescape", (r, v, a) -> new Markup(Markup.escapeText(Repr.str(Filters.none("e", v, a)))));
        table.put("upper", method("upper"));
        table.put("lower", method("lower"));
        table.put("capitalize", method("capitalize"));
        table.put("trim", method("strip"));
        table.put("center", (r, v, a) -> {
            Object width = Args.or(a.bind("do_center", 0, "width")[0], 80L);
            return method("center").apply(r, v, Args.of(width));
        });
        table.put("title", (r, v, a) -> titled(soft(Filters.none("do_title", v, a))));
        table.put("replace", TextFilters::replace);
        table.put("indent", TextFilters::indent);
        table.put("truncate", TextFilters::truncate);
        table.put("format", TextFilters::format);
        table.put("wordcount", (r, v, a) -> words(Values.text(soft(Filters.none("do_wordcount", v, a)))));
        table.put("striptags", (r, v, a) -> r.built(Html.striptags(r, Repr.str(Filters.none("do_striptags", v, a)))));
        table.put("urlencode", TextFilters::urlEncode);
        table.put("xmlattr", TextFilters::xmlAttributes);
    }

    /** The value as text, markup staying markup. */
    static Object soft(Object value) {
        return value instanceof Markup ? value : Repr.str(value);
    }

    /** The filter that is a method of str. */
    private static FilterFunction method(String name) {
        return (r, value, args) -> call(r, soft(value), name, args);
    }

    private static Object call(Rendering r, Object text, String method, Args args) {
        return ((Function) Members.ownAttribute(text, method)).call(r, args);
    }

    private static Object titled(Object soft) {
        String text = Values.text(soft);
        StringBuilder out = new StringBuilder(text.length());
        boolean start = true;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            boolean separator = Text.isSpace(c) || "-({[<".indexOf(c) >= 0;
            String one = Character.toString(c);
            out.append(separator ? one : start ? Text.upper(one) : Text.lower(one));
            start = separator;
        }
        return out.toString();
    }

    private static Object replace(Rendering r, Object value, Args args) {
        Object[] v = args.bind("do_replace", 2, "old", "new", "count");
        long count = v[2] == Missing.MISSING || v[2] == null ? -1 : Numbers.index(v[2]);
        return StringMethods.replace(r, Repr.str(value), Repr.str(v[0]), Repr.str(v[1]), count);
    }

    private static Object indent(Rendering r, Object value, Args args) {
        Object[] v = args.bind("do_indent", 0, "width", "first", "blank");
        Object width = Args.or(v[0], 4L);
        String by = Values.isString(width) ? Values.text(width) : Text.repeat(r, " ", Numbers.index(width));
        if (value instanceof Undefined undefined) {
            throw undefined.fail();
        }
        if (!Values.isString(value)) {
            // Adding text to a list works in Python; splitting the list into lines then does not.
            throw Values.isList(value)
                    ? TemplateException.noAttribute(value, "splitlines")
                    : TemplateException.type(
                            "unsupported operand type(s) for +=: " + Repr.repr(Values.typeName(value)) + " and 'str'");
        }
        boolean blank = Values.truth(Args.or(v[2], false));
        StringBuilder out = new StringBuilder();
        List<Object> lines = Splitting.lines(r, Values.text(value) + "\n", false);
        for (int i = 0; i < lines.size(); i++) {
            String line = (String) lines.get(i);
            boolean indented = i == 0 ? Values.truth(Args.or(v[1], false)) : blank || !line.isEmpty();
            out.append(i == 0 ? "" : "\n").append(indented ? by : "").append(line);
            r.checkSize(out.length());
        }
        String text = r.built(out.toString());
        return value instanceof Markup ? new Markup(text) : text;
    }

    private static Object truncate(Rendering r, Object value, Args args) {
        Object[] v = args.bind("do_truncate", 0, "length", "killwords", "end", "leeway");
        long length = v[0] == Missing.MISSING ? 255 : Numbers.index(v[0]);
        String end = Repr.str(Args.or(v[2], "..."));
        long leeway = v[3] == Missing.MISSING || v[3] == null ? TRUNCATE_LEEWAY : Numbers.index(v[3]);
        long kept = length - Text.length(end);
        if (kept < 0 || leeway < 0) {
            throw new TemplateException(
                    Kind.FAILED_ASSERTION,
                    kept < 0
                            ? "expected length >= " + Text.length(end) + ", got " + length
                            : "expected leeway >= 0, got " + leeway);
        }
        if (Values.length(value) <= length + leeway) {
            return value;
        }
        String text = StringMethods.string("truncate() argument", value);
        String cut = text.substring(0, Text.offset(text, (int) kept));
        int space = cut.lastIndexOf(' ');
        boolean killWords = Values.truth(Args.or(v[1], false));
        return r.built((killWords || space < 0 ? cut : cut.substring(0, space)) + end);
    }

    private static Object format(Rendering r, Object value, Args args) {
        if (args.size() > 0 && !args.keywords().isEmpty()) {
            throw new TemplateException(
                    Kind.FILTER_ARGUMENT, "can't handle positional and keyword arguments at the same time");
        }
        Object values = args.keywords().isEmpty() ? new Tuple(args.from(0)) : args.keywords();
        return Operators.binary(r, Expr.BinaryOperator.MOD, soft(value), values);
    }

    private static long words(String text) {
        long count = 0;
        boolean inWord = false;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            boolean part = c == '_' || Character.isLetterOrDigit(c);
            count += part && !inWord ? 1 : 0;
            inWord = part;
        }
        return count;
    }

    private static Object urlEncode(Rendering r, Object value, Args args) {
        Filters.none("do_urlencode", value, args);
        if (Values.isString(value) || !Values.isIterable(value)) {
            return r.built(quote(Repr.str(value), false));
        }
        Iterator<Object> pairs = value instanceof Map<?, ?> map
                ? new DictView(DictView.Part.ITEMS, map).iterator()
                : Values.iterate(value);
        StringBuilder out = new StringBuilder();
        while (pairs.hasNext()) {
            r.step();
            Object[] pair = Values.unpack(pairs.next(), 2);
            out.append(out.length() == 0 ? "" : "&")
                    .append(quote(Repr.str(pair[0]), true))
                    .append('=')
                    .append(quote(Repr.str(pair[1]), true));
        }
        return r.built(out.toString());
    }

    private static String quote(String text, boolean forQuery) {
        StringBuilder out = new StringBuilder();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean plain =
                    c < 128 && (Character.isLetterOrDigit(c) || "_.-~".indexOf(c) >= 0 || c == '/' && !forQuery);
            if (plain) {
                out.append(c);
            } else if (c == ' ' && forQuery) {
                out.append('+');
            } else {
                out.append('%').append(Text.upper(Integer.toHexString(c | 0x100).substring(1)));
            }
        }
        return out.toString();
    }

    private static Object xmlAttributes(Rendering r, Object value, Args args) {
        boolean autospace = Values.truth(Args.or(args.bind("do_xmlattr", 0, "autospace")[0], true));
        if (!(value instanceof Map<?, ?> map)) {
            throw value instanceof Undefined undefined
                    ? undefined.fail()
                    : TemplateException.noAttribute(value, "items");
        }
        StringBuilder out = new StringBuilder();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (entry.getValue() == null || entry.getValue() instanceof Undefined) {
                continue;
            }
            String key = Repr.str(entry.getKey());
            if (key.chars().anyMatch(c -> " \t\n\r\f\u000b/>=".indexOf(c) >= 0)) {
                throw TemplateException.value("Invalid character in attribute name: " + Repr.repr(key));
            }
            out.append(out.length() > 0 || autospace ? " " : "")
                    .append(Markup.escapeText(key))
                    .append("=\"")
                    .append(Markup.escape(entry.getValue()).text())
                    .append('"');
        }
        return r.built(out.toString());
    }
}
