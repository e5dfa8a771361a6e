package dev.quire.chat.jinja;

import dev.quire.chat.jinja.Expr.Use;
import dev.quire.chat.jinja.Token.Type;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Tokens to statements, by the grammar of jinja2/parser.py 3.1 with loop controls and the generation tag. */
final class StatementParser {
    private final TokenStream stream;
    private final ExpressionParser expressions;
    private final Deque<String> openTags = new ArrayDeque<>();
    private final Deque<List<String>> endTags = new ArrayDeque<>();

    private StatementParser(TokenStream stream) {
        this.stream = stream;
        this.expressions = new ExpressionParser(stream);
    }

    static Stmt.Root parse(String source) {
        StatementParser parser = new StatementParser(new TokenStream(Lexer.tokenize(source)));
        return new Stmt.Root(1, parser.body(List.of()));
    }

    private List<Stmt> body(List<String> ends) {
        List<Stmt> body = new ArrayList<>();
        List<Expr> output = new ArrayList<>();
        while (!stream.at(Type.EOF)) {
            Token token = stream.next();
            switch (token.type()) {
                case DATA -> output.add(new Expr.Const(token.line(), token.text()));
                case VARIABLE_BEGIN -> {
                    output.add(expressions.tuple(true, null));
                    stream.expect(Type.VARIABLE_END);
                }
                case BLOCK_BEGIN -> {
                    flush(output, body);
                    if (stream.at(Type.NAME) && ends.contains(stream.current().text())) {
                        return body;
                    }
                    body.add(statement());
                    stream.expect(Type.BLOCK_END);
                }
                default -> throw new IllegalStateException("token " + token + " outside of a tag");
            }
        }
        flush(output, body);
        return List.copyOf(body);
    }

    private static void flush(List<Expr> output, List<Stmt> body) {
        if (!output.isEmpty()) {
            body.add(new Stmt.Output(output.get(0).line(), List.copyOf(output)));
            output.clear();
        }
    }

    /** The statements up to one of {@code ends}, whose token is left for the caller. */
    private List<Stmt> statements(String... ends) {
        stream.skipIf(Type.COLON);
        stream.expect(Type.BLOCK_END);
        List<String> endList = List.of(ends);
        endTags.push(endList);
        List<Stmt> result = body(endList);
        if (stream.at(Type.EOF)) {
            throw unknownTag(null);
        }
        endTags.pop();
        return result;
    }

    private List<Stmt> statementsAndEnd(String end) {
        List<Stmt> result = statements(end);
        stream.next();
        return result;
    }

    private Stmt statement() {
        Token token = stream.current();
        if (token.type() != Type.NAME) {
            throw stream.fail("tag name expected");
        }
        stream.enter();
        openTags.push(token.text());
        Stmt statement = statement(token.text());
        openTags.pop();
        stream.leave();
        return statement;
    }

    private Stmt statement(String tag) {
        return switch (tag) {
            case "for" -> forLoop();
            case "if" -> ifBlock();
            case "set" -> set();
            case "macro" -> macro();
            case "call" -> callBlock();
            case "filter" -> filterBlock();
            case "with" -> with();
            case "print" -> print();
            case "generation" -> new Stmt.Generation(stream.next().line(), statementsAndEnd("endgeneration"));
            case "break" -> new Stmt.Break(stream.next().line());
            case "continue" -> new Stmt.Continue(stream.next().line());
            case "block", "extends", "include", "import", "from", "autoescape" ->
                throw stream.fail("'" + tag + "' is not supported in chat templates");
            default -> {
                openTags.pop();
                throw unknownTag(tag);
            }
        };
    }

    private TemplateException unknownTag(@Nullable String name) {
        StringBuilder message = new StringBuilder(
                name == null ? "Unexpected end of template." : "Encountered unknown tag " + Repr.repr(name) + ".");
        if (!endTags.isEmpty()) {
            String looking = endTags.peek().stream().map(Repr::repr).collect(Collectors.joining(" or "));
            boolean nesting = name != null && endTags.stream().anyMatch(e -> e.contains(name));
            message.append(
                    nesting
                            ? " You probably made a nesting mistake. Jinja is expecting this tag, but currently"
                                    + " looking for " + looking + "."
                            : " Jinja was looking for the following tags: " + looking + ".");
        }
        if (!openTags.isEmpty()) {
            message.append(" The innermost block that needs to be closed is ")
                    .append(Repr.repr(openTags.peek()))
                    .append('.');
        }
        return stream.fail(message.toString());
    }

    private Stmt forLoop() {
        int line = stream.next().line();
        Expr target = expressions.assignTarget("in", false);
        stream.expectName("in");
        Expr iterable = expressions.tuple(false, "recursive");
        Expr test = stream.skipIfName("if") ? expressions.expression() : null;
        boolean recursive = stream.skipIfName("recursive");
        List<Stmt> body = statements("endfor", "else");
        List<Stmt> otherwise = stream.next().isName("endfor") ? List.of() : statementsAndEnd("endfor");
        return new Stmt.For(line, target, iterable, body, otherwise, test, recursive);
    }

    private Stmt ifBlock() {
        int line = stream.next().line();
        Expr test = expressions.tuple(false, null);
        List<Stmt> body = statements("elif", "else", "endif");
        List<Stmt.If> elifs = new ArrayList<>();
        List<Stmt> otherwise = List.of();
        Token end = stream.next();
        while (end.isName("elif")) {
            Expr elifTest = expressions.tuple(false, null);
            elifs.add(new Stmt.If(end.line(), elifTest, statements("elif", "else", "endif"), List.of(), List.of()));
            end = stream.next();
        }
        if (end.isName("else")) {
            otherwise = statementsAndEnd("endif");
        }
        return new Stmt.If(line, test, body, List.copyOf(elifs), otherwise);
    }

    private Stmt set() {
        int line = stream.next().line();
        Expr target = expressions.assignTarget(null, true);
        if (stream.skipIf(Type.ASSIGN)) {
            return new Stmt.Assign(line, target, expressions.tuple(true, null));
        }
        Expr.Filter filter = null;
        while (stream.skipIf(Type.PIPE)) {
            filter = expressions.filter(filter);
        }
        return new Stmt.AssignBlock(line, target, filter, statementsAndEnd("endset"));
    }

    private Stmt with() {
        int line = stream.next().line();
        List<Expr> targets = new ArrayList<>();
        List<Expr> values = new ArrayList<>();
        while (!stream.at(Type.BLOCK_END)) {
            if (!targets.isEmpty()) {
                stream.expect(Type.COMMA);
            }
            targets.add(ExpressionParser.stored(expressions.assignTarget(null, false), Use.PARAMETER));
            stream.expect(Type.ASSIGN);
            values.add(expressions.expression());
        }
        return new Stmt.With(line, List.copyOf(targets), List.copyOf(values), statementsAndEnd("endwith"));
    }

    private Stmt macro() {
        int line = stream.next().line();
        String name = expressions.assignName(Use.STORE).name();
        List<Expr.Name> parameters = new ArrayList<>();
        List<Expr> defaults = new ArrayList<>();
        signature(parameters, defaults);
        return new Stmt.Macro(line, name, List.copyOf(parameters), List.copyOf(defaults), statementsAndEnd("endmacro"));
    }

    private void signature(List<Expr.Name> parameters, List<Expr> defaults) {
        stream.expect(Type.LPAREN);
        while (!stream.at(Type.RPAREN)) {
            if (!parameters.isEmpty()) {
                stream.expect(Type.COMMA);
            }
            Expr.Name parameter = expressions.assignName(Use.PARAMETER);
            if (parameters.stream().anyMatch(p -> p.name().equals(parameter.name()))) {
                throw stream.fail("duplicate argument " + Repr.repr(parameter.name()) + " in function definition");
            }
            parameters.add(parameter);
            if (stream.skipIf(Type.ASSIGN)) {
                defaults.add(expressions.expression());
            } else if (!defaults.isEmpty()) {
                throw stream.fail("non-default argument follows default argument");
            }
        }
        stream.expect(Type.RPAREN);
    }

    private Stmt callBlock() {
        int line = stream.next().line();
        List<Expr.Name> parameters = new ArrayList<>();
        List<Expr> defaults = new ArrayList<>();
        if (stream.at(Type.LPAREN)) {
            signature(parameters, defaults);
        }
        if (!(expressions.expression() instanceof Expr.Call call)) {
            throw TemplateException.syntax("expected call", line);
        }
        return new Stmt.CallBlock(
                line, List.copyOf(parameters), List.copyOf(defaults), call, statementsAndEnd("endcall"));
    }

    private Stmt filterBlock() {
        int line = stream.next().line();
        Expr.Filter filter = expressions.filter(null);
        while (stream.skipIf(Type.PIPE)) {
            filter = expressions.filter(filter);
        }
        return new Stmt.FilterBlock(line, filter, statementsAndEnd("endfilter"));
    }

    private Stmt print() {
        int line = stream.next().line();
        List<Expr> parts = new ArrayList<>();
        while (!stream.at(Type.BLOCK_END)) {
            if (!parts.isEmpty()) {
                stream.expect(Type.COMMA);
            }
            parts.add(expressions.expression());
        }
        return new Stmt.Output(line, List.copyOf(parts));
    }
}
