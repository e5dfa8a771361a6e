package dev.quire.chat.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The methods of Python's str that look for something, or say what the text is made of. */
final class StringSearch {
    private StringSearch() {}

    static Function.@Nullable Body body(String name, String text) {
        return switch (name) {
            case "startswith" -> (r, a) -> affix(r, name, text, a, true);
            case "endswith" -> (r, a) -> affix(r, name, text, a, false);
            case "find" -> (r, a) -> find(r, name, text, a, false);
            case "rfind" -> (r, a) -> find(r, name, text, a, true);
            case "index" -> (r, a) -> found(find(r, name, text, a, false));
            case "rindex" -> (r, a) -> found(find(r, name, text, a, true));
            case "count" -> (r, a) -> count(r, name, text, a);
            case "isspace" -> (r, a) -> StringMethods.all(StringMethods.none(name, a, text), Text::isSpace);
            case "isalpha" -> (r, a) -> StringMethods.all(StringMethods.none(name, a, text), Character::isLetter);
            case "isdecimal" -> (r, a) -> StringMethods.all(StringMethods.none(name, a, text), Character::isDigit);
            case "isdigit" -> (r, a) -> StringMethods.all(StringMethods.none(name, a, text), StringSearch::isDigit);
            case "isnumeric" -> (r, a) -> StringMethods.all(StringMethods.none(name, a, text), StringSearch::isNumeric);
            case "isalnum" ->
                (r, a) -> StringMethods.all(
                        StringMethods.none(name, a, text), c -> Character.isLetter(c) || isNumeric(c));
            case "isascii" ->
                (r, a) -> StringMethods.none(name, a, text).codePoints().allMatch(c -> c < 128);
            case "isprintable" ->
                (r, a) -> StringMethods.none(name, a, text).codePoints().allMatch(Repr::isPrintable);
            case "isidentifier" -> (r, a) -> isIdentifier(StringMethods.none(name, a, text));
            case "islower" -> (r, a) -> isLower(StringMethods.none(name, a, text));
            case "isupper" -> (r, a) -> isUpper(StringMethods.none(name, a, text));
            case "istitle" -> (r, a) -> isTitle(StringMethods.none(name, a, text));
            default -> null;
        };
    }

    /** Digits, and those that only stand for one, as superscripts and circled ones do. */
    private static boolean isDigit(int c) {
        return Character.isDigit(c)
                || Character.getType(c) == Character.OTHER_NUMBER
                        && Character.getNumericValue(c) >= 0
                        && Character.getNumericValue(c) < 10
                        && c != 0xbc
                        && c != 0xbd
                        && c != 0xbe;
    }

    private static boolean isNumeric(int c) {
        int type = Character.getType(c);
        return type == Character.DECIMAL_DIGIT_NUMBER
                || type == Character.LETTER_NUMBER
                || type == Character.OTHER_NUMBER;
    }

    private static boolean isIdentifier(String text) {
        return !text.isEmpty()
                && (text.charAt(0) == '_' || Character.isUnicodeIdentifierStart(text.codePointAt(0)))
                && text.codePoints()
                        .allMatch(c -> Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c));
    }

    static boolean isLower(String text) {
        return text.codePoints().anyMatch(Character::isLowerCase)
                && text.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
    }

    static boolean isUpper(String text) {
        return text.codePoints().anyMatch(Character::isUpperCase)
                && text.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
    }

    private static boolean isTitle(String text) {
        boolean cased = false;
        boolean inWord = false;
        for (int c : text.codePoints().toArray()) {
            boolean upper = Character.isUpperCase(c) || Character.isTitleCase(c);
            if (upper == inWord && Text.isCased(c)) {
                return false;
            }
            inWord = Text.isCased(c);
            cased |= inWord;
        }
        return cased;
    }

    /** The chars between the optional bounds of a search, or null when the bounds exclude even the empty text. */
    private static int @Nullable [] bounds(String text, Object start, Object end) {
        long length = Text.length(text);
        long from = bound(start, 0, length);
        long to = Math.min(length, bound(end, length, length));
        return from > to ? null : new int[] {Text.offset(text, (int) from), Text.offset(text, (int) to)};
    }

    private static long bound(Object value, long fallback, long length) {
        if (value == Missing.MISSING || value == null) {
            return fallback;
        }
        long bound = Numbers.index(value);
        return bound < 0 ? Math.max(0, bound + length) : bound;
    }

    private static boolean affix(Rendering r, String name, String text, Args args, boolean start) {
        Object[] v = args.bind(name, 1, start ? "prefix" : "suffix", "start", "end");
        int[] bounds = bounds(text, v[1], v[2]);
        List<?> options = v[0] instanceof Tuple tuple ? tuple.items() : List.of();
        if (Values.isString(v[0])) {
            options = List.of(v[0]);
        } else if (!(v[0] instanceof Tuple)) {
            throw TemplateException.type(
                    name + " first arg must be str or a tuple of str, not " + Values.typeName(v[0]));
        }
        for (Object option : options) {
            r.step();
            if (!Values.isString(option)) {
                throw TemplateException.type(
                        "tuple for " + name + " must only contain str, not " + Values.typeName(option));
            }
            String affix = Values.text(option);
            if (bounds != null
                    && affix.length() <= bounds[1] - bounds[0]
                    && text.startsWith(affix, start ? bounds[0] : bounds[1] - affix.length())) {
                return true;
            }
        }
        return false;
    }

    private static long find(Rendering r, String name, String text, Args args, boolean last) {
        Object[] v = args.bind(name, 1, "sub", "start", "end");
        String wanted = StringMethods.string("", v[0]);
        int[] bounds = bounds(text, v[1], v[2]);
        if (bounds == null) {
            return -1;
        }
        int latest = bounds[1] - wanted.length();
        int at = last ? text.lastIndexOf(wanted, latest) : text.indexOf(wanted, bounds[0]);
        return latest < 0 || at < bounds[0] || at > latest ? -1 : text.codePointCount(0, at);
    }

    private static long found(long index) {
        if (index < 0) {
            throw TemplateException.value("substring not found");
        }
        return index;
    }

    private static long count(Rendering r, String name, String text, Args args) {
        Object[] v = args.bind(name, 1, "sub", "start", "end");
        String wanted = StringMethods.string("", v[0]);
        int[] bounds = bounds(text, v[1], v[2]);
        if (bounds == null) {
            return 0;
        }
        String part = text.substring(bounds[0], bounds[1]);
        if (wanted.isEmpty()) {
            return Text.length(part) + 1L;
        }
        long count = 0;
        for (int at = part.indexOf(wanted); at >= 0; at = part.indexOf(wanted, at + wanted.length())) {
            count++;
        }
        return count;
    }
}
