package dev.quire.chat.jinja;

import java.util.Iterator;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The methods of Python's str that make text from text, and the table of all of them. */
final class StringMethods {
    private StringMethods() {}

    /** The method {@code name} bound to {@code text}, or null when str has none of that name. */
    static @Nullable Function find(String name, String text) {
        Function.Body body = body(name, text);
        if (body == null) {
            return null;
        }
        return new Function(name, (r, args) -> {
            r.read(text);
            return body.call(r, args);
        });
    }

    private static Function.@Nullable Body body(String name, String text) {
        return switch (name) {
            case "strip" -> (r, a) -> r.built(Text.strip(text, characters(name, a), true, true));
            case "lstrip" -> (r, a) -> r.built(Text.strip(text, characters(name, a), true, false));
            case "rstrip" -> (r, a) -> r.built(Text.strip(text, characters(name, a), false, true));
            case "split" -> (r, a) -> Splitting.split(r, text, a, false);
            case "rsplit" -> (r, a) -> Splitting.split(r, text, a, true);
            case "splitlines" ->
                (r, a) -> {
                    Object keep = Args.or(a.bind(name, 0, "keepends")[0], false);
                    return Splitting.lines(r, text, Values.truth(keep));
                };
            case "join" -> (r, a) -> join(r, text, a.bind(name, 1, "iterable")[0]);
            case "replace" ->
                (r, a) -> {
                    Object[] v = a.bind(name, 2, "old", "new", "count");
                    long count = v[2] == Missing.MISSING ? -1 : Numbers.index(v[2]);
                    return replace(
                            r, text, string("replace() argument 1", v[0]), string("replace() argument 2", v[1]), count);
                };
            case "lower" -> (r, a) -> r.built(Text.lower(none(name, a, text)));
            case "upper" -> (r, a) -> r.built(Text.upper(none(name, a, text)));
            case "casefold" -> (r, a) -> r.built(Text.lower(Text.lower(Text.upper(none(name, a, text)))));
            case "capitalize" -> (r, a) -> r.built(Text.capitalize(none(name, a, text)));
            case "title" -> (r, a) -> r.built(title(none(name, a, text)));
            case "swapcase" -> (r, a) -> r.built(swapCase(none(name, a, text)));
            case "center" -> (r, a) -> pad(r, name, text, a, (left, right) -> center(text, left, right));
            case "ljust" -> (r, a) -> pad(r, name, text, a, (width, missing) -> 0);
            case "rjust" -> (r, a) -> pad(r, name, text, a, (width, missing) -> missing);
            case "zfill" -> (r, a) -> zeroFill(r, text, Numbers.index(a.bind(name, 1, "width")[0]));
            case "expandtabs" ->
                (r, a) -> expandTabs(r, text, Numbers.index(Args.or(a.bind(name, 0, "tabsize")[0], 8L)));
            case "removeprefix" ->
                (r, a) -> {
                    String prefix = string("removeprefix() argument", a.bind(name, 1, "prefix")[0]);
                    return text.startsWith(prefix) ? r.built(text.substring(prefix.length())) : text;
                };
            case "removesuffix" ->
                (r, a) -> {
                    String suffix = string("removesuffix() argument", a.bind(name, 1, "suffix")[0]);
                    return text.endsWith(suffix) ? r.built(text.substring(0, text.length() - suffix.length())) : text;
                };
            case "partition" -> (r, a) -> Splitting.partition(r, name, text, a, false);
            case "rpartition" -> (r, a) -> Splitting.partition(r, name, text, a, true);
            case "format" -> (r, a) -> Format.format(r, text, a);
            case "format_map" -> (r, a) -> Format.formatMap(r, text, a);
            default -> StringSearch.body(name, text);
        };
    }

    static String none(String method, Args args, String text) {
        args.bind(method, 0);
        return text;
    }

    static String string(String what, Object value) {
        if (!Values.isString(value)) {
            throw TemplateException.type((what + " must be str, not ").stripLeading() + Values.typeName(value));
        }
        return Values.text(value);
    }

    private static @Nullable String characters(String method, Args args) {
        Object chars = Args.or(args.bind(method, 0, "chars")[0], null);
        if (chars != null && !Values.isString(chars)) {
            throw TemplateException.type(method + " arg must be None or str");
        }
        return chars == null ? null : Values.text(chars);
    }

    private static String join(Rendering r, String separator, Object iterable) {
        if (!Values.isIterable(iterable)) {
            throw TemplateException.type("can only join an iterable");
        }
        StringBuilder out = new StringBuilder();
        Iterator<Object> items = Values.iterate(iterable);
        for (long i = 0; items.hasNext(); i++) {
            Object item = items.next();
            if (!Values.isString(item)) {
                throw TemplateException.type(
                        "sequence item " + i + ": expected str instance, " + Values.typeName(item) + " found");
            }
            r.step();
            out.append(i == 0 ? "" : separator).append(Values.text(item));
            r.checkSize(out.length());
        }
        return r.built(out.toString());
    }

    static String replace(Rendering r, String text, String old, String replacement, long count) {
        long limit = count < 0 ? Long.MAX_VALUE : count;
        StringBuilder out = new StringBuilder(text.length());
        int start = 0;
        long done = 0;
        while (done < limit) {
            // The empty string stands before every character and at the end.
            int at = old.isEmpty() ? (done == 0 ? 0 : next(text, start)) : text.indexOf(old, start);
            if (at < 0) {
                break;
            }
            out.append(text, start, at).append(replacement);
            r.checkSize(out.length());
            start = at + old.length();
            done++;
        }
        return done == 0 ? text : r.built(out.append(text, start, text.length()).toString());
    }

    private static int next(String text, int at) {
        return at >= text.length() ? -1 : text.offsetByCodePoints(at, 1);
    }

    private static String title(String text) {
        StringBuilder out = new StringBuilder(text.length());
        boolean inWord = false;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            out.append(inWord ? Text.lower(Character.toString(c)) : Text.titleCase(c));
            inWord = Text.isCased(c);
        }
        return out.toString();
    }

    private static String swapCase(String text) {
        StringBuilder out = new StringBuilder(text.length());
        text.codePoints()
                .mapToObj(c -> Character.isUpperCase(c)
                        ? Text.lower(Character.toString(c))
                        : Text.upper(Character.toString(c)))
                .forEach(out::append);
        return out.toString();
    }

    /** How many of the {@code missing} fill characters go to the left. */
    private interface Padding {
        long left(long width, long missing);
    }

    private static long center(String text, long width, long missing) {
        return missing / 2 + (missing & width & 1);
    }

    private static String pad(Rendering r, String method, String text, Args args, Padding padding) {
        Object[] v = args.bind(method, 1, "width", "fillchar");
        String fill = string("The fill character", Args.or(v[1], " "));
        if (Text.length(fill) != 1) {
            throw TemplateException.type("The fill character must be exactly one character long");
        }
        long width = Numbers.index(v[0]);
        long missing = width - Text.length(text);
        if (missing <= 0) {
            return text;
        }
        long left = padding.left(width, missing);
        return r.built(Text.repeat(r, fill, left) + text + Text.repeat(r, fill, missing - left));
    }

    private static String zeroFill(Rendering r, String text, long width) {
        String zeros = Text.repeat(r, "0", width - Text.length(text));
        boolean signed = text.startsWith("+") || text.startsWith("-");
        return signed ? text.charAt(0) + zeros + text.substring(1) : zeros + text;
    }

    private static String expandTabs(Rendering r, String text, long size) {
        StringBuilder out = new StringBuilder(text.length());
        int column = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\t') {
                long spaces = size <= 0 ? 0 : size - column % size;
                out.append(Text.repeat(r, " ", spaces));
                r.checkSize(out.length());
                column += (int) spaces;
            } else {
                out.append(c);
                column = c == '\n' || c == '\r' ? 0 : column + (Character.isLowSurrogate(c) ? 0 : 1);
            }
        }
        return r.built(out.toString());
    }

    static boolean all(String text, IntPredicate test) {
        return !text.isEmpty() && text.codePoints().allMatch(test);
    }
}
