package dev.quire.chat.jinja;

import dev.quire.chat.jinja.Expr.Arguments;
import dev.quire.chat.jinja.Expr.BinaryOperator;
import dev.quire.chat.jinja.Expr.CompareOperator;
import dev.quire.chat.jinja.Expr.UnaryOperator;
import dev.quire.chat.jinja.Expr.Use;
import dev.quire.chat.jinja.Token.Type;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Tokens to expressions, by the grammar and precedences of jinja2/parser.py 3.1. */
final class ExpressionParser {
    private static final Set<Type> TEST_ARGUMENT =
            EnumSet.of(Type.NAME, Type.STRING, Type.INTEGER, Type.FLOAT, Type.LBRACKET, Type.LBRACE);

    private final TokenStream stream;
    private final PrimaryParser primaries;

    ExpressionParser(TokenStream stream) {
        this.stream = stream;
        this.primaries = new PrimaryParser(stream, this);
    }

    Expr expression() {
        stream.enter();
        int line = line();
        Expr expr = or();
        while (stream.skipIfName("if")) {
            Expr test = or();
            Expr otherwise = stream.skipIfName("else") ? expression() : null;
            expr = new Expr.Conditional(line, test, expr, otherwise);
            line = line();
        }
        stream.leave();
        return expr;
    }

    private Expr expression(boolean withConditional) {
        return withConditional ? expression() : or();
    }

    /** What stands between parentheses: an expression or a tuple. */
    Expr parenthesized() {
        return tuple(false, true, null, true, false);
    }

    /** A tuple without parentheses, or a single expression; ends before the name {@code endName}. */
    Expr tuple(boolean withConditional, @Nullable String endName) {
        return tuple(false, withConditional, endName, false, false);
    }

    /** The target of an assignment: a name, a tuple of targets, or a namespace's attribute. */
    Expr assignTarget(@Nullable String endName, boolean withNamespace) {
        return stored(tuple(true, true, endName, false, withNamespace), Use.STORE);
    }

    Expr.Name assignName(Use use) {
        Token token = stream.expect(Type.NAME);
        return (Expr.Name) stored(new Expr.Name(token.line(), token.text(), use), use);
    }

    static Expr stored(Expr target, Use use) {
        if (target instanceof Expr.Name name) {
            return new Expr.Name(name.line(), name.name(), use);
        }
        if (target instanceof Expr.TupleOf tuple) {
            return new Expr.TupleOf(
                    tuple.line(),
                    tuple.items().stream().map(item -> stored(item, use)).toList());
        }
        if (target instanceof Expr.NamespaceRef) {
            return target;
        }
        String kind = target.getClass().getSimpleName().replace("Of", "").toLowerCase();
        throw TemplateException.syntax("can't assign to '" + kind + "'", target.line());
    }

    private Expr tuple(
            boolean simplified,
            boolean withConditional,
            @Nullable String endName,
            boolean parenthesized,
            boolean withNamespace) {
        stream.enter();
        int line = line();
        List<Expr> items = new ArrayList<>();
        boolean isTuple = false;
        while (true) {
            if (!items.isEmpty()) {
                stream.expect(Type.COMMA);
            }
            if (isTupleEnd(endName)) {
                break;
            }
            items.add(simplified ? primaries.primary(withNamespace) : expression(withConditional));
            if (!stream.at(Type.COMMA)) {
                break;
            }
            isTuple = true;
            line = line();
        }
        stream.leave();
        if (!isTuple && !items.isEmpty()) {
            return items.get(0);
        }
        if (!isTuple && !parenthesized) {
            throw stream.fail(
                    "Expected an expression, got " + Repr.repr(stream.current().describe()));
        }
        return new Expr.TupleOf(line, List.copyOf(items));
    }

    private boolean isTupleEnd(@Nullable String endName) {
        Type type = stream.current().type();
        return type == Type.VARIABLE_END
                || type == Type.BLOCK_END
                || type == Type.RPAREN
                || endName != null && stream.atName(endName);
    }

    private Expr or() {
        int line = line();
        Expr left = and();
        while (stream.skipIfName("or")) {
            left = new Expr.Or(line, left, and());
            line = line();
        }
        return left;
    }

    private Expr and() {
        int line = line();
        Expr left = not();
        while (stream.skipIfName("and")) {
            left = new Expr.And(line, left, not());
            line = line();
        }
        return left;
    }

    private Expr not() {
        if (!stream.atName("not")) {
            return compare();
        }
        int line = stream.next().line();
        stream.enter();
        Expr operand = not();
        stream.leave();
        return new Expr.Unary(line, UnaryOperator.NOT, operand);
    }

    private Expr compare() {
        int line = line();
        Expr first = sum();
        List<CompareOperator> operators = new ArrayList<>();
        List<Expr> operands = new ArrayList<>();
        for (CompareOperator op = compareOperator(); op != null; op = compareOperator()) {
            operators.add(op);
            operands.add(sum());
        }
        return operators.isEmpty()
                ? first
                : new Expr.Compare(line, first, List.copyOf(operators), List.copyOf(operands));
    }

    private @Nullable CompareOperator compareOperator() {
        CompareOperator operator =
                switch (stream.current().type()) {
                    case EQ -> CompareOperator.EQ;
                    case NE -> CompareOperator.NE;
                    case LT -> CompareOperator.LT;
                    case LTEQ -> CompareOperator.LE;
                    case GT -> CompareOperator.GT;
                    case GTEQ -> CompareOperator.GE;
                    default -> null;
                };
        if (stream.atName("in")) {
            operator = CompareOperator.IN;
        } else if (stream.atName("not") && stream.look().isName("in")) {
            stream.next();
            operator = CompareOperator.NOT_IN;
        }
        if (operator != null) {
            stream.next();
        }
        return operator;
    }

    private Expr sum() {
        int line = line();
        Expr left = concat();
        while (stream.at(Type.ADD) || stream.at(Type.SUB)) {
            BinaryOperator op = stream.next().type() == Type.ADD ? BinaryOperator.ADD : BinaryOperator.SUB;
            left = new Expr.Binary(line, op, left, concat());
            line = line();
        }
        return left;
    }

    private Expr concat() {
        int line = line();
        Expr first = product();
        if (!stream.at(Type.TILDE)) {
            return first;
        }
        List<Expr> parts = new ArrayList<>(List.of(first));
        while (stream.skipIf(Type.TILDE)) {
            parts.add(product());
        }
        return new Expr.Concat(line, List.copyOf(parts));
    }

    private Expr product() {
        int line = line();
        Expr left = power();
        while (true) {
            BinaryOperator op =
                    switch (stream.current().type()) {
                        case MUL -> BinaryOperator.MUL;
                        case DIV -> BinaryOperator.DIV;
                        case FLOORDIV -> BinaryOperator.FLOORDIV;
                        case MOD -> BinaryOperator.MOD;
                        default -> null;
                    };
            if (op == null) {
                return left;
            }
            stream.next();
            left = new Expr.Binary(line, op, left, power());
            line = line();
        }
    }

    private Expr power() {
        int line = line();
        Expr left = unary(true);
        while (stream.skipIf(Type.POW)) {
            left = new Expr.Binary(line, BinaryOperator.POW, left, unary(true));
            line = line();
        }
        return left;
    }

    private Expr unary(boolean withFilter) {
        int line = line();
        Expr node;
        if (stream.at(Type.SUB) || stream.at(Type.ADD)) {
            UnaryOperator op = stream.next().type() == Type.SUB ? UnaryOperator.NEGATE : UnaryOperator.PLUS;
            stream.enter();
            node = new Expr.Unary(line, op, unary(false));
            stream.leave();
        } else {
            node = primaries.primary(false);
        }
        node = primaries.postfix(node);
        return withFilter ? filters(node) : node;
    }

    private Expr filters(Expr start) {
        Expr node = start;
        while (true) {
            if (stream.at(Type.PIPE)) {
                stream.next();
                node = filter(node);
            } else if (stream.atName("is")) {
                node = test(node);
            } else if (stream.at(Type.LPAREN)) {
                node = new Expr.Call(line(), node, primaries.arguments());
            } else {
                return node;
            }
        }
    }

    /** One filter, after its bar, with {@code input} as the value filtered. */
    Expr.Filter filter(@Nullable Expr input) {
        int line = line();
        String name = dottedName();
        Arguments arguments = stream.at(Type.LPAREN) ? primaries.arguments() : Arguments.NONE;
        return new Expr.Filter(line, input, name, arguments);
    }

    private String dottedName() {
        StringBuilder name = new StringBuilder(stream.expect(Type.NAME).text());
        while (stream.skipIf(Type.DOT)) {
            name.append('.').append(stream.expect(Type.NAME).text());
        }
        return name.toString();
    }

    private Expr test(Expr input) {
        int line = stream.next().line();
        boolean negated = stream.skipIfName("not");
        String name = dottedName();
        Arguments arguments = Arguments.NONE;
        if (stream.at(Type.LPAREN)) {
            arguments = primaries.arguments();
        } else if (TEST_ARGUMENT.contains(stream.current().type())
                && !stream.atName("else")
                && !stream.atName("or")
                && !stream.atName("and")) {
            if (stream.atName("is")) {
                throw stream.fail("You cannot chain multiple tests with is");
            }
            Expr argument = primaries.postfix(primaries.primary(false));
            arguments = new Arguments(List.of(argument), List.of(), List.of(), null, null);
        }
        Expr test = new Expr.Test(line, input, name, arguments);
        return negated ? new Expr.Unary(line, UnaryOperator.NOT, test) : test;
    }

    private int line() {
        return stream.current().line();
    }
}
