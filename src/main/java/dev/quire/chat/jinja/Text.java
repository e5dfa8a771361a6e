package dev.quire.chat.jinja;

import java.util.Iterator;
import java.util.NoSuchElementException;

/** Python's view of a string: a sequence of code points, and what counts as space. */
final class Text {
    private Text() {}

    /** {@code str.isspace} of one character; none lies outside of the basic plane. */
    static boolean isSpace(int c) {
        return c == ' '
                || c >= '\t' && c <= '\r'
                || c >= 0x1c && c <= 0x1f
                || c == 0x85
                || c == 0xa0
                || c > 0xff && (Character.isSpaceChar(c));
    }

    /** Whether index arithmetic on chars equals that on code points. */
    private static boolean isBasic(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    /** The index of the char where code point {@code index} begins. */
    static int offset(String text, int index) {
        return text.offsetByCodePoints(0, index);
    }

    /** The code point at {@code index} as a string of its own, or null when there is none. */
    static String at(String text, long index) {
        long length = length(text);
        long i = index < 0 ? index + length : index;
        if (i < 0 || i >= length) {
            return null;
        }
        int start = length == text.length() ? (int) i : offset(text, (int) i);
        return text.substring(start, text.offsetByCodePoints(start, 1));
    }

    static String slice(String text, Slicing.Positions range) {
        if (range.step() == 1) {
            if (range.count() == 0) {
                return "";
            }
            int start = (int) range.start();
            int end = start + range.count();
            return isBasic(text) ? text.substring(start, end) : text.substring(offset(text, start), offset(text, end));
        }
        int[] points = text.codePoints().toArray();
        StringBuilder out = new StringBuilder(range.count());
        for (int i = 0; i < range.count(); i++) {
            out.appendCodePoint(points[(int) (range.start() + i * range.step())]);
        }
        return out.toString();
    }

    static Iterator<Object> characters(String text, boolean markup) {
        return new Iterator<>() {
            private int pos;

            @Override
            public boolean hasNext() {
                return pos < text.length();
            }

            @Override
            public Object next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                int end = text.offsetByCodePoints(pos, 1);
                String c = text.substring(pos, end);
                pos = end;
                return markup ? new Markup(c) : c;
            }
        };
    }

    /** Strips characters from the ends: spaces when {@code chars} is null, else those it contains. */
    static String strip(String text, String chars, boolean left, boolean right) {
        int start = 0;
        int end = text.length();
        while (left && start < end && isStripped(text.codePointAt(start), chars)) {
            start += Character.charCount(text.codePointAt(start));
        }
        while (right && end > start && isStripped(text.codePointBefore(end), chars)) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(start, end);
    }

    private static boolean isStripped(int c, String chars) {
        return chars == null ? isSpace(c) : chars.indexOf(c) >= 0;
    }

    /** Order by code points, as Python compares. */
    static int compare(String a, String b) {
        int n = Math.min(a.length(), b.length());
        for (int i = 0; i < n; i++) {
            char x = a.charAt(i);
            char y = b.charAt(i);
            if (x != y) {
                // Surrogates stand for code points above every other char.
                boolean xs = Character.isSurrogate(x);
                boolean ys = Character.isSurrogate(y);
                return xs == ys ? Character.compare(x, y) : xs ? 1 : -1;
            }
        }
        return Integer.compare(a.length(), b.length());
    }

    static String repeat(Rendering rendering, String text, long times) {
        if (times <= 0 || text.isEmpty()) {
            return "";
        }
        rendering.checkSize(times > Integer.MAX_VALUE ? Long.MAX_VALUE : text.length() * times);
        return rendering.built(text.repeat((int) times));
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.offsetByCodePoints(0, 1);
        return titleCase(text.codePointAt(0)) + lower(text.substring(first));
    }

    static String titleCase(int codePoint) {
        int title = Character.toTitleCase(codePoint);
        String single = Character.toString(title);
        // A few letters have no single title form (ß becomes Ss).
        String upper = upper(Character.toString(codePoint));
        return title == codePoint && upper.length() > single.length()
                ? upper.charAt(0) + lower(upper.substring(1))
                : single;
    }

    static String upper(String text) {
        return text.toUpperCase(java.util.Locale.ROOT);
    }

    static String lower(String text) {
        return text.toLowerCase(java.util.Locale.ROOT);
    }

    static boolean isCased(int c) {
        return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
    }

    /** Decodes the escapes of a Python string literal; unknown ones stay as they are. */
    static String unescape(String body, int line) {
        if (body.indexOf('\\') < 0) {
            return body;
        }
        StringBuilder out = new StringBuilder(body.length());
        for (int i = 0; i < body.length(); i++) {
            char c = body.charAt(i);
            if (c != '\\' || i + 1 == body.length()) {
                out.append(c);
                continue;
            }
            char e = body.charAt(++i);
            switch (e) {
                case '\n' -> {}
                case '\\', '\'', '"' -> out.append(e);
                case 'a' -> out.append('\u0007');
                case 'b' -> out.append('\b');
                case 'f' -> out.append('\f');
                case 'n' -> out.append('\n');
                case 'r' -> out.append('\r');
                case 't' -> out.append('\t');
                case 'v' -> out.append('\u000b');
                case 'x' -> i = hex(body, i, 2, line, out);
                case 'u' -> i = hex(body, i, 4, line, out);
                case 'U' -> i = hex(body, i, 8, line, out);
                case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                    int end = i + 1;
                    while (end < i + 3 && end < body.length() && Character.digit(body.charAt(end), 8) >= 0) {
                        end++;
                    }
                    out.append((char) Integer.parseInt(body.substring(i, end), 8));
                    i = end - 1;
                }
                default -> out.append('\\').append(e);
            }
        }
        return out.toString();
    }

    private static int hex(String body, int at, int digits, int line, StringBuilder out) {
        int end = at + 1 + digits;
        int value = 0;
        for (int i = at + 1; i < end; i++) {
            int digit = i < body.length() ? Character.digit(body.charAt(i), 16) : -1;
            if (digit < 0) {
                throw TemplateException.syntax("truncated \\" + body.charAt(at) + " escape", line);
            }
            value = value * 16 + digit;
        }
        if (!Character.isValidCodePoint(value)) {
            throw TemplateException.syntax("illegal Unicode character", line);
        }
        out.appendCodePoint(value);
        return end - 1;
    }
}
