package dev.quire.chat.jinja;

import java.util.Map;
import java.util.stream.Collectors;

/** The little HTML that the filter {@code striptags} understands. */
final class Html {
    private static final Map<String, String> ENTITIES = Map.of(
            "amp", "&", "lt", "<", "gt", ">", "quot", "\"", "apos", "'", "nbsp", "\u00a0", "raquo", "\u00bb", "laquo",
            "\u00ab", "copy", "\u00a9");

    private Html() {}

    static String striptags(Rendering r, String html) {
        String text = without(without(html, "<!--", "-->"), "<", ">");
        String spaced = Splitting.splitSpaces(r, text, Long.MAX_VALUE).stream()
                .map(Object::toString)
                .collect(Collectors.joining(" "));
        return unescape(spaced);
    }

    private static String without(String text, String open, String close) {
        StringBuilder out = new StringBuilder();
        int from = 0;
        for (int start = text.indexOf(open); start >= 0; start = text.indexOf(open, from)) {
            int end = text.indexOf(close, start);
            if (end < 0) {
                break;
            }
            out.append(text, from, start);
            from = end + close.length();
        }
        return out.append(text.substring(from)).toString();
    }

    private static String unescape(String text) {
        StringBuilder out = new StringBuilder();
        int from = 0;
        for (int start = text.indexOf('&'); start >= 0; start = text.indexOf('&', start + 1)) {
            int end = text.indexOf(';', start);
            String character = end < 0 ? null : character(text.substring(start + 1, end));
            if (character != null) {
                out.append(text, from, start).append(character);
                from = end + 1;
            }
        }
        return out.append(text.substring(from)).toString();
    }

    private static String character(String name) {
        if (!name.startsWith("#")) {
            return ENTITIES.get(name);
        }
        boolean hex = name.startsWith("#x") || name.startsWith("#X");
        String digits = name.substring(hex ? 2 : 1);
        if (digits.isEmpty()
                || digits.length() > 7
                || !digits.chars().allMatch(c -> Character.digit(c, hex ? 16 : 10) >= 0)) {
            return null;
        }
        int point = Integer.parseInt(digits, hex ? 16 : 10);
        return Character.isValidCodePoint(point) && point > 0 ? Character.toString(point) : null;
    }
}
