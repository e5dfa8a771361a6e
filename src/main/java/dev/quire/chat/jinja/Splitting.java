package dev.quire.chat.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The methods of Python's str that take a text apart. */
final class Splitting {
    private Splitting() {}

    static List<Object> split(Rendering r, String text, Args args, boolean fromRight) {
        Object[] v = args.bind(fromRight ? "rsplit" : "split", 0, "sep", "maxsplit");
        long max = v[1] == Missing.MISSING ? -1 : Numbers.index(v[1]);
        long limit = max < 0 ? Long.MAX_VALUE : max;
        Object separator = Args.or(v[0], null);
        return separator == null
                ? (fromRight ? splitSpacesRight(r, text, limit) : splitSpaces(r, text, limit))
                : splitAt(r, text, separator, limit, fromRight);
    }

    private static List<Object> splitAt(
            Rendering r, String text, Object separatorValue, long limit, boolean fromRight) {
        if (!Values.isString(separatorValue)) {
            throw TemplateException.type("must be str or None, not " + Values.typeName(separatorValue));
        }
        String separator = Values.text(separatorValue);
        if (separator.isEmpty()) {
            throw TemplateException.value("empty separator");
        }
        List<Object> parts = new ArrayList<>();
        if (fromRight) {
            int end = text.length();
            int at = text.lastIndexOf(separator);
            while (at >= 0 && parts.size() < limit) {
                add(r, parts, text.substring(at + separator.length(), end));
                end = at;
                at = end < separator.length() ? -1 : text.lastIndexOf(separator, end - separator.length());
            }
            add(r, parts, text.substring(0, end));
            Collections.reverse(parts);
            return parts;
        }
        int start = 0;
        int at = text.indexOf(separator);
        while (at >= 0 && parts.size() < limit) {
            add(r, parts, text.substring(start, at));
            start = at + separator.length();
            at = text.indexOf(separator, start);
        }
        add(r, parts, text.substring(start));
        return parts;
    }

    static List<Object> splitSpaces(Rendering r, String text, long limit) {
        List<Object> parts = new ArrayList<>();
        int i = 0;
        while (true) {
            while (i < text.length() && Text.isSpace(text.charAt(i))) {
                i++;
            }
            if (i == text.length()) {
                return parts;
            }
            if (parts.size() == limit) {
                add(r, parts, text.substring(i));
                return parts;
            }
            int start = i;
            while (i < text.length() && !Text.isSpace(text.charAt(i))) {
                i++;
            }
            add(r, parts, text.substring(start, i));
        }
    }

    private static List<Object> splitSpacesRight(Rendering r, String text, long limit) {
        List<Object> parts = new ArrayList<>();
        int i = text.length();
        while (true) {
            while (i > 0 && Text.isSpace(text.charAt(i - 1))) {
                i--;
            }
            if (i == 0 || parts.size() == limit) {
                if (i > 0) {
                    add(r, parts, text.substring(0, i));
                }
                Collections.reverse(parts);
                return parts;
            }
            int end = i;
            while (i > 0 && !Text.isSpace(text.charAt(i - 1))) {
                i--;
            }
            add(r, parts, text.substring(i, end));
        }
    }

    private static void add(Rendering r, List<Object> parts, String part) {
        parts.add(part);
        r.checkCount(parts.size());
        r.step();
    }

    static List<Object> lines(Rendering r, String text, boolean keepEnds) {
        List<Object> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\n'
                    || c == '\r'
                    || c == 0x0b
                    || c == 0x0c
                    || c >= 0x1c && c <= 0x1e
                    || c == 0x85
                    || c == 0x2028
                    || c == 0x2029) {
                int end = c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n' ? i + 2 : i + 1;
                add(r, lines, text.substring(start, keepEnds ? end : i));
                start = end;
                i = end - 1;
            }
        }
        if (start < text.length()) {
            add(r, lines, text.substring(start));
        }
        return lines;
    }

    static Tuple partition(Rendering r, String method, String text, Args args, boolean last) {
        String separator = StringMethods.string("", args.bind(method, 1, "sep")[0]);
        if (separator.isEmpty()) {
            throw TemplateException.value("empty separator");
        }
        int at = last ? text.lastIndexOf(separator) : text.indexOf(separator);
        if (at < 0) {
            return last ? Tuple.of("", "", text) : Tuple.of(text, "", "");
        }
        return Tuple.of(text.substring(0, at), separator, text.substring(at + separator.length()));
    }
}
