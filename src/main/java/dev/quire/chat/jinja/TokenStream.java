package dev.quire.chat.jinja;

import dev.quire.chat.jinja.Token.Type;
import java.util.List;

/** The tokens with a cursor, and the guard against expressions and blocks nested too deeply. */
final class TokenStream {
    /** Deeper nesting is no template that a person wrote, and would exhaust the stack. */
    private static final int MAX_NESTING = 150;

    private final List<Token> tokens;
    private int index;
    private int nesting;

    TokenStream(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token current() {
        return tokens.get(index);
    }

    Token look() {
        return tokens.get(Math.min(index + 1, tokens.size() - 1));
    }

    Token next() {
        Token token = tokens.get(index);
        if (index < tokens.size() - 1) {
            index++;
        }
        return token;
    }

    boolean at(Type type) {
        return current().type() == type;
    }

    boolean atName(String name) {
        return current().isName(name);
    }

    boolean skipIf(Type type) {
        boolean matches = at(type);
        if (matches) {
            next();
        }
        return matches;
    }

    boolean skipIfName(String name) {
        boolean matches = atName(name);
        if (matches) {
            next();
        }
        return matches;
    }

    Token expect(Type type) {
        if (!at(type)) {
            throw unexpected(type.description());
        }
        return next();
    }

    void expectName(String name) {
        if (!atName(name)) {
            throw unexpected(name);
        }
        next();
    }

    private TemplateException unexpected(String expected) {
        if (at(Type.EOF)) {
            return fail("unexpected end of template, expected " + Repr.repr(expected) + ".");
        }
        return fail("expected token " + Repr.repr(expected) + ", got "
                + Repr.repr(current().describe()));
    }

    void enter() {
        if (++nesting > MAX_NESTING) {
            throw fail("nested more than " + MAX_NESTING + " levels deep");
        }
    }

    void leave() {
        nesting--;
    }

    TemplateException fail(String message) {
        return TemplateException.syntax(message, current().line());
    }
}
