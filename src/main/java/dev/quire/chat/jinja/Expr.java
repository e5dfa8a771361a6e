package dev.quire.chat.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** An expression. */
public sealed interface Expr extends Node {

    /** How a name is used. */
    enum Use {
        LOAD,
        STORE,
        PARAMETER
    }

    enum UnaryOperator {
        NOT,
        NEGATE,
        PLUS
    }

    enum BinaryOperator {
        ADD("+"),
        SUB("-"),
        MUL("*"),
        DIV("/"),
        FLOORDIV("//"),
        MOD("%"),
        POW("**");

        private final String symbol;

        BinaryOperator(String symbol) {
            this.symbol = symbol;
        }

        public String symbol() {
            return symbol;
        }
    }

    enum CompareOperator {
        EQ,
        NE,
        LT,
        LE,
        GT,
        GE,
        IN,
        NOT_IN
    }

    /** A literal, or the text between tags; {@code null} is none. */
    record Const(int line, @Nullable Object value) implements Expr {
        @Override
        public List<Node> children() {
            return List.of();
        }
    }

    record Name(int line, String name, Use use) implements Expr {
        @Override
        public List<Node> children() {
            return List.of();
        }
    }

    /** {@code namespace.attribute} as the target of a set. */
    record NamespaceRef(int line, String name, String attribute) implements Expr {
        @Override
        public List<Node> children() {
            return List.of();
        }
    }

    record TupleOf(int line, List<Expr> items) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(items);
        }
    }

    record ListOf(int line, List<Expr> items) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(items);
        }
    }

    /** Keys and values alternate. */
    record DictOf(int line, List<Expr> keysAndValues) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(keysAndValues);
        }
    }

    record Conditional(
            int line, Expr test, Expr then, @Nullable Expr otherwise) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(test, then, otherwise);
        }
    }

    record Unary(int line, UnaryOperator operator, Expr operand) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(operand);
        }
    }

    record Binary(int line, BinaryOperator operator, Expr left, Expr right) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(left, right);
        }
    }

    record And(int line, Expr left, Expr right) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(left, right);
        }
    }

    record Or(int line, Expr left, Expr right) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(left, right);
        }
    }

    record Concat(int line, List<Expr> parts) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(parts);
        }
    }

    /** A chain: {@code first operators[0] operands[0] operators[1] operands[1] …}. */
    record Compare(int line, Expr first, List<CompareOperator> operators, List<Expr> operands) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(first, operands);
        }
    }

    record Attribute(int line, Expr target, String name) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(target);
        }
    }

    record Item(int line, Expr target, Expr index) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(target, index);
        }
    }

    record Slice(
            int line,
            @Nullable Expr start,
            @Nullable Expr stop,
            @Nullable Expr step) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(start, stop, step);
        }
    }

    record Call(int line, Expr callee, Arguments arguments) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(callee, arguments.all());
        }
    }

    /** {@code input} is absent where a block's text is filtered. */
    record Filter(int line, @Nullable Expr input, String name, Arguments arguments) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(input, arguments.all());
        }
    }

    record Test(int line, Expr input, String name, Arguments arguments) implements Expr {
        @Override
        public List<Node> children() {
            return Node.of(input, arguments.all());
        }
    }

    /** Arguments of a call: positional, named, {@code *positionals}, {@code **keywords}. */
    record Arguments(
            List<Expr> positional,
            List<String> names,
            List<Expr> named,
            @Nullable Expr positionals,
            @Nullable Expr keywords) {
        static final Arguments NONE = new Arguments(List.of(), List.of(), List.of(), null, null);

        List<Node> all() {
            return Node.of(positional, named, positionals, keywords);
        }
    }
}
