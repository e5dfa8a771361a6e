package dev.quire.chat.jinja;

import dev.quire.chat.jinja.Expr.Arguments;
import dev.quire.chat.jinja.Expr.Use;
import dev.quire.chat.jinja.Token.Type;
import java.util.ArrayList;
import java.util.List;

/** Tokens to the expressions that bind tightest: literals, names, subscripts and calls. */
final class PrimaryParser {
    private final TokenStream stream;
    private final ExpressionParser expressions;

    PrimaryParser(TokenStream stream, ExpressionParser expressions) {
        this.stream = stream;
        this.expressions = expressions;
    }

    Expr primary(boolean withNamespace) {
        Token token = stream.current();
        switch (token.type()) {
            case NAME -> {
                stream.next();
                return name(token, withNamespace);
            }
            case STRING -> {
                StringBuilder text = new StringBuilder();
                while (stream.at(Type.STRING)) {
                    text.append(stream.next().text());
                }
                return new Expr.Const(token.line(), text.toString());
            }
            case INTEGER, FLOAT -> {
                stream.next();
                return new Expr.Const(token.line(), token.value());
            }
            case LPAREN -> {
                stream.next();
                Expr inner = expressions.parenthesized();
                stream.expect(Type.RPAREN);
                return inner;
            }
            case LBRACKET -> {
                return list();
            }
            case LBRACE -> {
                return dict();
            }
            default -> throw stream.fail("unexpected " + Repr.repr(token.describe()));
        }
    }

    private Expr name(Token token, boolean withNamespace) {
        switch (token.text()) {
            case "true", "True":
                return new Expr.Const(token.line(), true);
            case "false", "False":
                return new Expr.Const(token.line(), false);
            case "none", "None":
                return new Expr.Const(token.line(), null);
            default:
                if (withNamespace && stream.skipIf(Type.DOT)) {
                    return new Expr.NamespaceRef(
                            token.line(), token.text(), stream.expect(Type.NAME).text());
                }
                return new Expr.Name(token.line(), token.text(), Use.LOAD);
        }
    }

    private Expr list() {
        int line = stream.expect(Type.LBRACKET).line();
        List<Expr> items = new ArrayList<>();
        while (!stream.at(Type.RBRACKET)) {
            if (!items.isEmpty()) {
                stream.expect(Type.COMMA);
            }
            if (!stream.at(Type.RBRACKET)) {
                items.add(expressions.expression());
            }
        }
        stream.expect(Type.RBRACKET);
        return new Expr.ListOf(line, List.copyOf(items));
    }

    private Expr dict() {
        int line = stream.expect(Type.LBRACE).line();
        List<Expr> items = new ArrayList<>();
        while (!stream.at(Type.RBRACE)) {
            if (!items.isEmpty()) {
                stream.expect(Type.COMMA);
            }
            if (!stream.at(Type.RBRACE)) {
                items.add(expressions.expression());
                stream.expect(Type.COLON);
                items.add(expressions.expression());
            }
        }
        stream.expect(Type.RBRACE);
        return new Expr.DictOf(line, List.copyOf(items));
    }

    Expr postfix(Expr start) {
        Expr node = start;
        while (true) {
            if (stream.at(Type.DOT) || stream.at(Type.LBRACKET)) {
                node = subscript(node);
            } else if (stream.at(Type.LPAREN)) {
                node = new Expr.Call(line(), node, arguments());
            } else {
                return node;
            }
        }
    }

    private Expr subscript(Expr target) {
        Token token = stream.next();
        if (token.type() == Type.DOT) {
            Token attribute = stream.next();
            if (attribute.type() == Type.NAME) {
                return new Expr.Attribute(token.line(), target, attribute.text());
            }
            if (attribute.type() != Type.INTEGER) {
                throw TemplateException.syntax("expected name or number", attribute.line());
            }
            return new Expr.Item(token.line(), target, new Expr.Const(attribute.line(), attribute.value()));
        }
        List<Expr> indexes = new ArrayList<>();
        while (!stream.at(Type.RBRACKET)) {
            if (!indexes.isEmpty()) {
                stream.expect(Type.COMMA);
            }
            indexes.add(subscribed());
        }
        stream.expect(Type.RBRACKET);
        Expr index = indexes.size() == 1 ? indexes.get(0) : new Expr.TupleOf(token.line(), List.copyOf(indexes));
        return new Expr.Item(token.line(), target, index);
    }

    private Expr subscribed() {
        int line = line();
        Expr start = stream.at(Type.COLON) ? null : expressions.expression();
        if (!stream.skipIf(Type.COLON)) {
            return start;
        }
        Expr stop = stream.at(Type.COLON) || isSubscriptEnd() ? null : expressions.expression();
        Expr step = stream.skipIf(Type.COLON) && !isSubscriptEnd() ? expressions.expression() : null;
        return new Expr.Slice(line, start, stop, step);
    }

    private boolean isSubscriptEnd() {
        return stream.at(Type.RBRACKET) || stream.at(Type.COMMA);
    }

    Arguments arguments() {
        int line = stream.expect(Type.LPAREN).line();
        List<Expr> positional = new ArrayList<>();
        List<String> names = new ArrayList<>();
        List<Expr> named = new ArrayList<>();
        Expr positionals = null;
        Expr keywords = null;
        boolean comma = false;
        while (!stream.at(Type.RPAREN)) {
            if (comma) {
                stream.expect(Type.COMMA);
                if (stream.at(Type.RPAREN)) {
                    break;
                }
            }
            if (stream.at(Type.MUL)) {
                ensure(positionals == null && keywords == null, line);
                stream.next();
                positionals = expressions.expression();
            } else if (stream.at(Type.POW)) {
                ensure(keywords == null, line);
                stream.next();
                keywords = expressions.expression();
            } else if (stream.at(Type.NAME) && stream.look().type() == Type.ASSIGN) {
                ensure(keywords == null, line);
                names.add(stream.next().text());
                stream.next();
                named.add(expressions.expression());
            } else {
                ensure(positionals == null && keywords == null && names.isEmpty(), line);
                positional.add(expressions.expression());
            }
            comma = true;
        }
        stream.expect(Type.RPAREN);
        return new Arguments(List.copyOf(positional), List.copyOf(names), List.copyOf(named), positionals, keywords);
    }

    private static void ensure(boolean valid, int line) {
        if (!valid) {
            throw TemplateException.syntax("invalid syntax for function call expression", line);
        }
    }

    private int line() {
        return stream.current().line();
    }
}
