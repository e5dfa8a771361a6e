package dev.quire.chat.jinja;

import dev.quire.chat.jinja.Token.Type;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Source text to tokens, with {@code trim_blocks} and {@code lstrip_blocks} on and the last newline dropped.
 *
 * <p>Source: jinja2/lexer.py 3.1, whose regular expressions are written out here as scans.
 */
final class Lexer {
    private static final String[] OPERATORS_2 = {"//", "**", "==", "!=", ">=", "<="};

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private final Deque<Character> open = new ArrayDeque<>();
    private int pos;
    private int line = 1;
    private int counted;
    private boolean lineStarting = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokenize(String source) {
        Lexer lexer = new Lexer(withoutLastNewline(source));
        lexer.run();
        return lexer.tokens;
    }

    private static String withoutLastNewline(String source) {
        String unix =
                source.indexOf('\r') < 0 ? source : source.replace("\r\n", "\n").replace('\r', '\n');
        return unix.endsWith("\n") ? unix.substring(0, unix.length() - 1) : unix;
    }

    private void run() {
        while (pos < source.length()) {
            int begin = nextDelimiter(pos);
            if (begin < 0) {
                data(pos, source.length());
                break;
            }
            tag(begin);
        }
        tokens.add(new Token(lineAt(source.length()), Type.EOF, ""));
    }

    private int nextDelimiter(int from) {
        for (int i = source.indexOf('{', from); i >= 0; i = source.indexOf('{', i + 1)) {
            char next = at(i + 1);
            if (next == '%' || next == '{' || next == '#') {
                return i;
            }
        }
        return -1;
    }

    private void tag(int begin) {
        char kind = source.charAt(begin + 1);
        int inside = begin + 2;
        char sign = at(inside) == '-' || at(inside) == '+' ? at(inside) : 0;
        inside += sign == 0 ? 0 : 1;
        data(pos, strippedEnd(pos, begin, sign, kind != '{'));
        int raw = kind == '%' ? rawBegin(inside) : -1;
        if (raw >= 0) {
            pos = raw;
            lineStarting = source.charAt(pos - 1) == '\n';
            rawBody(begin);
        } else if (kind == '#') {
            comment(begin, inside);
        } else {
            tokens.add(new Token(lineAt(begin), kind == '%' ? Type.BLOCK_BEGIN : Type.VARIABLE_BEGIN, ""));
            pos = inside;
            expression(kind == '%');
        }
    }

    private void data(int from, int to) {
        if (to > from) {
            tokens.add(new Token(lineAt(from), Type.DATA, source.substring(from, to)));
        }
    }

    /** Where the text before a tag ends once {@code -} or lstrip_blocks took its blanks. */
    private int strippedEnd(int from, int to, char sign, boolean lstrip) {
        if (sign == '-') {
            int end = to;
            while (end > from && Text.isSpace(source.charAt(end - 1))) {
                end--;
            }
            return end;
        }
        if (sign == '+' || !lstrip) {
            return to;
        }
        int newline = to > from ? source.lastIndexOf('\n', to - 1) : -1;
        boolean within = newline >= from;
        if (!within && !lineStarting) {
            return to;
        }
        int lineStart = within ? newline + 1 : from;
        for (int i = lineStart; i < to; i++) {
            if (!Text.isSpace(source.charAt(i))) {
                return to;
            }
        }
        return lineStart;
    }

    private int skipSpace(int from) {
        int i = from;
        while (i < source.length() && Text.isSpace(source.charAt(i))) {
            i++;
        }
        return i;
    }

    /** Position after {@code raw %}} when the tag that starts here is one, else -1. */
    private int rawBegin(int from) {
        int i = skipSpace(from);
        if (!source.startsWith("raw", i)) {
            return -1;
        }
        i = skipSpace(i + 3);
        if (source.startsWith("-%}", i)) {
            return skipSpace(i + 3);
        }
        return source.startsWith("%}", i) ? i + 2 : -1;
    }

    private void rawBody(int begin) {
        for (int i = source.indexOf("{%", pos); i >= 0; i = source.indexOf("{%", i + 1)) {
            char sign = at(i + 2) == '-' || at(i + 2) == '+' ? at(i + 2) : 0;
            int word = skipSpace(i + (sign == 0 ? 2 : 3));
            if (source.startsWith("endraw", word)) {
                int end = blockEnd(skipSpace(word + 6));
                if (end >= 0) {
                    data(pos, strippedEnd(pos, i, sign, true));
                    advance(end);
                    return;
                }
            }
        }
        if (pos == source.length()) {
            return;
        }
        throw TemplateException.syntax("Missing end of raw directive", lineAt(begin));
    }

    private void comment(int begin, int from) {
        int end = source.indexOf("#}", from);
        if (end < 0) {
            throw TemplateException.syntax("Missing end of comment tag", lineAt(begin));
        }
        char sign = end > from ? source.charAt(end - 1) : 0;
        int after = end + 2;
        if (sign == '-') {
            after = skipSpace(after);
        } else if (sign != '+' && at(after) == '\n') {
            after++;
        }
        advance(after);
    }

    /** Position after the block end (with its trimming) that starts here, else -1. */
    private int blockEnd(int from) {
        if (source.startsWith("+%}", from)) {
            return from + 3;
        }
        if (source.startsWith("-%}", from)) {
            return skipSpace(from + 3);
        }
        if (source.startsWith("%}", from)) {
            return at(from + 2) == '\n' ? from + 3 : from + 2;
        }
        return -1;
    }

    private int variableEnd(int from) {
        if (source.startsWith("-}}", from)) {
            return skipSpace(from + 3);
        }
        return source.startsWith("}}", from) ? from + 2 : -1;
    }

    private void advance(int to) {
        pos = to;
        lineStarting = source.charAt(to - 1) == '\n';
    }

    private void expression(boolean block) {
        while (pos < source.length()) {
            int end = !open.isEmpty() ? -1 : block ? blockEnd(pos) : variableEnd(pos);
            if (end >= 0) {
                tokens.add(new Token(lineAt(pos), block ? Type.BLOCK_END : Type.VARIABLE_END, ""));
                advance(end);
                return;
            }
            char c = source.charAt(pos);
            if (Text.isSpace(c)) {
                pos = skipSpace(pos);
            } else if (c >= '0' && c <= '9') {
                number();
            } else if (isNamePart(c)) {
                name();
            } else if (c == '"' || c == '\'') {
                string(c);
            } else {
                operator(c);
            }
        }
    }

    private static boolean isNamePart(char c) {
        return c == '_' || Character.isLetterOrDigit(c);
    }

    private void name() {
        int start = pos;
        while (pos < source.length() && isNamePart(source.charAt(pos))) {
            pos++;
        }
        tokens.add(new Token(lineAt(start), Type.NAME, source.substring(start, pos)));
    }

    /** End of {@code (\d+_)*\d+} from here, or {@code from} when no digit stands here. */
    private int digits(int from) {
        int i = from;
        while (isDigit(at(i)) || i > from && at(i) == '_' && isDigit(at(i + 1))) {
            i++;
        }
        return i;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private void number() {
        int start = pos;
        int end = digits(start);
        boolean isFloat = false;
        // After a dot, digits are an index (`x.0.1`), never a float.
        if (start == 0 || source.charAt(start - 1) != '.') {
            int fraction = at(end) == '.' ? digits(end + 1) : end;
            if (fraction > end + 1) {
                end = fraction;
                isFloat = true;
            }
            if (at(end) == 'e' || at(end) == 'E') {
                int sign = at(end + 1) == '+' || at(end + 1) == '-' ? 1 : 0;
                int exponent = digits(end + 1 + sign);
                if (exponent > end + 1 + sign) {
                    end = exponent;
                    isFloat = true;
                }
            }
        }
        if (isFloat) {
            double value = Double.parseDouble(source.substring(start, end).replace("_", ""));
            tokens.add(new Token(lineAt(start), Type.FLOAT, value));
        } else {
            end = integerEnd(start, end);
            BigInteger value = Numbers.parseLiteral(source.substring(start, end));
            tokens.add(new Token(lineAt(start), Type.INTEGER, Numbers.integer(value)));
        }
        pos = end;
    }

    private int integerEnd(int start, int decimalEnd) {
        if (at(start) != '0') {
            return decimalEnd;
        }
        int radix = Numbers.radixOfPrefix(at(start + 1));
        int i = start + (radix == 10 ? 1 : 2);
        int first = i;
        while (at(i) == '_' ? isDigitOf(at(i + 1), radix) : isDigitOf(at(i), radix)) {
            i++;
        }
        return radix != 10 && i == first ? start + 1 : i;
    }

    private static boolean isDigitOf(char c, int radix) {
        // A decimal literal that starts with zero is zero alone.
        return radix == 10 ? c == '0' : c < 128 && Character.digit(c, radix) >= 0;
    }

    private void string(char quote) {
        int i = pos + 1;
        while (i < source.length() && source.charAt(i) != quote) {
            i += source.charAt(i) == '\\' ? 2 : 1;
        }
        if (i >= source.length()) {
            throw TemplateException.syntax(
                    "unexpected char " + Repr.repr(String.valueOf(quote)) + " at " + pos, lineAt(pos));
        }
        int start = lineAt(pos);
        tokens.add(new Token(start, Type.STRING, Text.unescape(source.substring(pos + 1, i), start)));
        pos = i + 1;
    }

    private void operator(char c) {
        String symbol = String.valueOf(c);
        for (String two : OPERATORS_2) {
            if (source.startsWith(two, pos)) {
                symbol = two;
            }
        }
        int at = lineAt(pos);
        Type type = typeOf(symbol);
        if (type == null) {
            throw TemplateException.syntax("unexpected char " + Repr.repr(symbol) + " at " + pos, at);
        }
        switch (c) {
            case '{' -> open.push('}');
            case '(' -> open.push(')');
            case '[' -> open.push(']');
            case '}', ')', ']' -> close(c, at);
            default -> {}
        }
        tokens.add(new Token(at, type, symbol));
        pos += symbol.length();
    }

    private void close(char c, int at) {
        if (open.isEmpty()) {
            throw TemplateException.syntax("unexpected '" + c + "'", at);
        }
        char expected = open.pop();
        if (expected != c) {
            throw TemplateException.syntax("unexpected '" + c + "', expected '" + expected + "'", at);
        }
    }

    private static Type typeOf(String symbol) {
        for (Type type : Type.values()) {
            if (type.ordinal() >= Type.ADD.ordinal() && type.description().equals(symbol)) {
                return type;
            }
        }
        return null;
    }

    private char at(int index) {
        return index < source.length() ? source.charAt(index) : 0;
    }

    private int lineAt(int index) {
        while (counted < index) {
            if (source.charAt(counted++) == '\n') {
                line++;
            }
        }
        return line;
    }
}
