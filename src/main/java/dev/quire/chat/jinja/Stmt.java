package dev.quire.chat.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A statement. */
public sealed interface Stmt extends Node {

    /** The whole template. */
    record Root(int line, List<Stmt> body) implements Stmt {
        @Override
        public List<Node> children() {
            return Node.of(body);
        }
    }

    /** Text and printed expressions in a row. */
    record Output(int line, List<Expr> parts) implements Stmt {
        @Override
        public List<Node> children() {
            return Node.of(parts);
        }
    }

    record Assign(int line, Expr target, Expr value) implements Stmt {
        @Override
        public List<Node> children() {
            return Node.of(target, value);
        }
    }

    record AssignBlock(int line, Expr target, Expr.@Nullable Filter filter, List<Stmt> body) implements Stmt {
        @Override
        public List<Node> children() {
            return Node.of(target, filter, body);
        }
    }

    record For(
            int line,
            Expr target,
            Expr iterable,
            List<Stmt> body,
            List<Stmt> otherwise,
            @Nullable Expr test,
            boolean recursive)
            implements Stmt {
        @Override
        public List<Node> children() {
            return Node.of(target, iterable, body, otherwise, test);
        }
    }

    /** {@code elifs} are ifs that have neither elifs nor an else of their own. */
    record If(int line, Expr test, List<Stmt> body, List<If> elifs, List<Stmt> otherwise) implements Stmt {
        @Override
        public List<Node> children() {
            return Node.of(test, body, elifs, otherwise);
        }
    }

    record With(int line, List<Expr> targets, List<Expr> values, List<Stmt> body) implements Stmt {
        @Override
        public List<Node> children() {
            return Node.of(targets, values, body);
        }
    }

    /** {@code defaults} belong to the last parameters. */
    record Macro(int line, String name, List<Expr.Name> parameters, List<Expr> defaults, List<Stmt> body)
            implements Stmt {
        @Override
        public List<Node> children() {
            return Node.of(parameters, defaults, body);
        }
    }

    record CallBlock(int line, List<Expr.Name> parameters, List<Expr> defaults, Expr.Call call, List<Stmt> body)
            implements Stmt {
        @Override
        public List<Node> children() {
            return Node.of(call, parameters, defaults, body);
        }
    }

    /** Marks what the assistant said; renders its body. */
    record Generation(int line, List<Stmt> body) implements Stmt {
        @Override
        public List<Node> children() {
            return Node.of(body);
        }
    }

    record FilterBlock(int line, Expr.Filter filter, List<Stmt> body) implements Stmt {
        @Override
        public List<Node> children() {
            return Node.of(filter, body);
        }
    }

    record Break(int line) implements Stmt {
        @Override
        public List<Node> children() {
            return List.of();
        }
    }

    record Continue(int line) implements Stmt {
        @Override
        public List<Node> children() {
            return List.of();
        }
    }
}
