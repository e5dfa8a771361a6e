package dev.quire.chat.jinja;

import dev.quire.chat.jinja.Step.Flow;
import dev.quire.chat.jinja.TemplateException.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Statements to closures, scoped as jinja2/compiler.py 3.1 scopes them. */
final class StatementCompiler {
    private final ExpressionCompiler expressions = new ExpressionCompiler();
    private final LoopCompiler loops = new LoopCompiler(this, expressions);
    private final MacroCompiler macros = new MacroCompiler(this, expressions);

    /** The compiled template: its layout, and the step that runs it. */
    record Program(Layout layout, Step body) {}

    static Program compile(Stmt.Root root) {
        Scope scope = Scope.root();
        scope.symbols().visitAll(root.children());
        StatementCompiler compiler = new StatementCompiler();
        Step entry = compiler.entry(scope);
        Step body = compiler.block(root.body(), scope);
        return new Program(scope.layout(), f -> {
            entry.run(f);
            return body.run(f);
        });
    }

    Step block(List<? extends Stmt> statements, Scope scope) {
        Step[] steps = statements.stream().map(s -> compile(s, scope)).toArray(Step[]::new);
        if (steps.length == 1) {
            return steps[0];
        }
        return f -> {
            for (Step step : steps) {
                Flow flow = step.run(f);
                if (flow != Flow.NEXT) {
                    return flow;
                }
            }
            return Flow.NEXT;
        };
    }

    /** Gives the variables of a scope that is entered their first values. */
    Step entry(Scope scope) {
        List<Step> steps = new ArrayList<>();
        for (Map.Entry<Symbols.Ref, Symbols.Load> entry :
                scope.symbols().loads().entrySet()) {
            int slot = scope.variable(entry.getKey()).slot();
            String name = entry.getKey().name();
            switch (entry.getValue().kind()) {
                case PARAMETER -> {}
                case RESOLVE -> steps.add(set(f -> f.set(slot, f.rendering.resolve(name))));
                case UNDEFINED -> steps.add(set(f -> f.set(slot, Missing.MISSING)));
                case ALIAS -> {
                    Scope.Variable source = scope.variable(entry.getValue().source());
                    steps.add(set(f -> f.set(slot, f.outer(source.hops()).get(source.slot()))));
                }
            }
        }
        Step[] all = steps.toArray(Step[]::new);
        return f -> {
            for (Step step : all) {
                step.run(f);
            }
            return Flow.NEXT;
        };
    }

    /** Something that only changes variables. */
    interface Effect {
        void on(Frame frame);
    }

    static Step set(Effect effect) {
        return f -> {
            effect.on(f);
            return Flow.NEXT;
        };
    }

    private Step compile(Stmt statement, Scope scope) {
        if (statement instanceof Stmt.Output output) {
            return output(output, scope);
        }
        if (statement instanceof Stmt.If branch) {
            return branch(branch, scope.soften());
        }
        if (statement instanceof Stmt.For loop) {
            return loops.compile(loop, scope);
        }
        if (statement instanceof Stmt.Assign assign) {
            return assign(assign, scope);
        }
        if (statement instanceof Stmt.AssignBlock assign) {
            return assignBlock(assign, scope);
        }
        if (statement instanceof Stmt.Macro macro) {
            return macros.define(macro, scope);
        }
        if (statement instanceof Stmt.CallBlock block) {
            return macros.callBlock(block, scope);
        }
        if (statement instanceof Stmt.Generation generation) {
            return macros.generation(generation, scope);
        }
        if (statement instanceof Stmt.FilterBlock block) {
            return filterBlock(block, scope);
        }
        if (statement instanceof Stmt.With with) {
            return with(with, scope);
        }
        if (!scope.inLoop()) {
            String word = statement instanceof Stmt.Break ? "'break' outside loop" : "'continue' not properly in loop";
            throw TemplateException.syntax(word, statement.line());
        }
        Flow flow = statement instanceof Stmt.Break ? Flow.BREAK : Flow.CONTINUE;
        return f -> flow;
    }

    private Step output(Stmt.Output output, Scope scope) {
        int size = output.parts().size();
        Code[] codes = new Code[size];
        String[] texts = new String[size];
        int[] lines = new int[size];
        for (int i = 0; i < size; i++) {
            Expr part = output.parts().get(i);
            lines[i] = part.line();
            if (part instanceof Expr.Const constant) {
                texts[i] = Repr.str(constant.value());
            } else {
                codes[i] = expressions.compile(part, scope);
            }
        }
        return f -> {
            Rendering rendering = f.rendering;
            for (int i = 0; i < size; i++) {
                if (texts[i] != null) {
                    rendering.emit(texts[i]);
                } else {
                    rendering.line(lines[i]);
                    rendering.emit(Repr.str(codes[i].eval(f)));
                }
            }
            return Flow.NEXT;
        };
    }

    private Step branch(Stmt.If branch, Scope scope) {
        int count = 1 + branch.elifs().size();
        Code[] tests = new Code[count];
        Step[] bodies = new Step[count];
        int[] lines = new int[count];
        for (int i = 0; i < count; i++) {
            Stmt.If one = i == 0 ? branch : branch.elifs().get(i - 1);
            tests[i] = expressions.compile(one.test(), scope);
            bodies[i] = block(one.body(), scope);
            lines[i] = one.line();
        }
        Step otherwise = block(branch.otherwise(), scope);
        return f -> {
            for (int i = 0; i < tests.length; i++) {
                f.rendering.line(lines[i]);
                if (Values.truth(tests[i].eval(f))) {
                    return bodies[i].run(f);
                }
            }
            return otherwise.run(f);
        };
    }

    private Step assign(Stmt.Assign assign, Scope scope) {
        Code value = expressions.compile(assign.value(), scope);
        Target target = target(assign.target(), scope);
        Effect check = namespaceCheck(assign, scope);
        int line = assign.line();
        return set(f -> {
            f.rendering.line(line);
            check.on(f);
            target.set(f, value.eval(f));
        });
    }

    /** The reference looks for the namespaces of a target before it computes the value. */
    private static Effect namespaceCheck(Stmt.Assign assign, Scope scope) {
        List<Scope.Variable> namespaces = new ArrayList<>();
        assign.walk(node -> {
            if (node instanceof Expr.NamespaceRef ref) {
                namespaces.add(scope.variable(ref.name()));
            }
        });
        return f -> {
            for (Scope.Variable variable : namespaces) {
                if (!(f.outer(variable.hops()).get(variable.slot()) instanceof Namespace)) {
                    throw new TemplateException(Kind.RUNTIME, "cannot assign attribute on non-namespace object");
                }
            }
        };
    }

    /** Where a value is put. */
    interface Target {
        void set(Frame frame, Object value);
    }

    Target target(Expr target, Scope scope) {
        if (target instanceof Expr.Name name) {
            int slot = scope.variable(name.name()).slot();
            return (f, value) -> f.set(slot, value);
        }
        if (target instanceof Expr.NamespaceRef ref) {
            Code namespace = expressions.name(ref.name(), scope);
            return (f, value) -> ((Namespace) namespace.eval(f)).set(ref.attribute(), value);
        }
        Target[] parts = ((Expr.TupleOf) target)
                .items().stream().map(item -> target(item, scope)).toArray(Target[]::new);
        return (f, value) -> {
            Object[] values = Values.unpack(value, parts.length);
            for (int i = 0; i < parts.length; i++) {
                parts[i].set(f, values[i]);
            }
        };
    }

    private Step assignBlock(Stmt.AssignBlock assign, Scope scope) {
        Scope inner = scope.inner();
        inner.symbols().visitAll(assign.body());
        if (assign.filter() != null) {
            inner.symbols().visitAll(List.of(assign.filter()));
        }
        Captured captured = captured(assign.body(), assign.filter(), inner);
        Target target = target(assign.target(), scope);
        return f -> {
            Object value = captured.eval(f);
            if (value instanceof Flow flow) {
                return flow;
            }
            target.set(f, value);
            return Flow.NEXT;
        };
    }

    private Step filterBlock(Stmt.FilterBlock block, Scope scope) {
        Scope inner = scope.inner();
        inner.symbols().visitAll(block.body());
        inner.symbols().visitAll(List.of(block.filter()));
        Captured captured = captured(block.body(), block.filter(), inner);
        return f -> {
            Object value = captured.eval(f);
            if (value instanceof Flow flow) {
                return flow;
            }
            f.rendering.emit(Repr.str(value));
            return Flow.NEXT;
        };
    }

    /** The filtered text of a body, or the {@link Flow} with which a loop control left it. */
    private interface Captured {
        Object eval(Frame frame);
    }

    private Captured captured(List<Stmt> statements, Expr.@Nullable Filter filter, Scope inner) {
        Step entry = entry(inner);
        Step body = block(statements, inner);
        int slot = inner.layout().newSlot();
        Code text = f -> f.get(slot);
        Code filtered = filter == null ? text : filtered(filter, text, inner);
        return f -> {
            StringBuilder outer = f.rendering.beginCapture();
            entry.run(f);
            Flow flow = body.run(f);
            String captured = f.rendering.endCapture(outer);
            if (flow != Flow.NEXT) {
                return flow;
            }
            f.set(slot, captured);
            return filtered.eval(f);
        };
    }

    /** A chain of filters whose innermost input is {@code text}. */
    private Code filtered(Expr.Filter filter, Code text, Scope scope) {
        Code input = filter.input() == null ? text : filtered((Expr.Filter) filter.input(), text, scope);
        return expressions.filter(filter, input, scope);
    }

    private Step with(Stmt.With with, Scope scope) {
        Scope inner = scope.inner();
        with.targets().forEach(inner.symbols()::declareTargets);
        inner.symbols().visitAll(with.body());
        Step entry = entry(inner);
        int size = with.targets().size();
        Target[] targets = new Target[size];
        Code[] values = new Code[size];
        for (int i = 0; i < size; i++) {
            targets[i] = target(with.targets().get(i), inner);
            values[i] = expressions.compile(with.values().get(i), scope);
        }
        Step body = block(with.body(), inner);
        return f -> {
            entry.run(f);
            for (int i = 0; i < targets.length; i++) {
                targets[i].set(f, values[i].eval(f));
            }
            return body.run(f);
        };
    }
}
