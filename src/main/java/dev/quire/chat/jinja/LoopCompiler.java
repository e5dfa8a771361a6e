package dev.quire.chat.jinja;

import dev.quire.chat.jinja.Expr.Use;
import dev.quire.chat.jinja.Step.Flow;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** For loops to closures. */
final class LoopCompiler {
    private final StatementCompiler statements;
    private final ExpressionCompiler expressions;

    LoopCompiler(StatementCompiler statements, ExpressionCompiler expressions) {
        this.statements = statements;
        this.expressions = expressions;
    }

    /**
     * The parts of a loop.
     *
     * @param loopSlot where {@code loop} goes, or -1 when nothing reads it
     * @param filter leaves out what the loop's test rejects
     */
    private record Parts(
            int loopSlot,
            StatementCompiler.Target target,
            @Nullable Filtering filter,
            Step entry,
            Step body,
            @Nullable Step otherwise) {}

    private interface Filtering {
        Object filtered(Frame frame, Object iterable);
    }

    Step compile(Stmt.For loop, Scope scope) {
        rejectStoreToLoop(loop);
        Code iterable = expressions.compile(loop.iterable(), scope);
        int line = loop.line();
        if (!loop.recursive()) {
            Parts parts = parts(loop, scope, scope.layout());
            return f -> {
                f.rendering.line(line);
                return run(parts, f, f, iterable.eval(f), null, 0);
            };
        }
        Layout layout = new Layout(scope.layout());
        Parts parts = parts(loop, scope, layout);
        return f -> {
            f.rendering.line(line);
            f.rendering.emit(recurse(parts, layout, f, iterable.eval(f), 0));
            return Flow.NEXT;
        };
    }

    private static void rejectStoreToLoop(Stmt.For loop) {
        loop.walk(node -> {
            if (node instanceof Expr.Name name
                    && name.use() == Use.STORE
                    && name.name().equals("loop")) {
                throw new TemplateException(
                        TemplateException.Kind.ASSERTION,
                        "Can't assign to special loop variable in for-loop target",
                        name.line());
            }
        });
    }

    /** Compiles a loop in the scope {@code outer}; its body's variables live in the function {@code layout}. */
    private Parts parts(Stmt.For loop, Scope outer, Layout layout) {
        Scope body = outer.inner(layout, true);
        boolean extended = loop.recursive()
                || !MacroCompiler.undeclared(loop.body(), Set.of("loop")).isEmpty();
        int loopSlot = extended
                ? body.variable(body.symbols().declareParameter("loop")).slot()
                : -1;
        body.symbols().declareTargets(loop.target());
        body.symbols().visitAll(loop.body());
        Step otherwise = null;
        if (!loop.otherwise().isEmpty()) {
            Scope elseScope = outer.inner(layout, outer.inLoop() && !loop.recursive());
            elseScope.symbols().visitAll(loop.otherwise());
            Step elseEntry = statements.entry(elseScope);
            Step elseBody = statements.block(loop.otherwise(), elseScope);
            otherwise = f -> {
                elseEntry.run(f);
                return elseBody.run(f);
            };
        }
        return new Parts(
                loopSlot,
                statements.target(loop.target(), body),
                loop.test() == null ? null : filtering(loop, outer),
                statements.entry(body),
                statements.block(loop.body(), body),
                otherwise);
    }

    /** The loop's test is a function of its own that sees the target, but nothing the body sets. */
    private Filtering filtering(Stmt.For loop, Scope outer) {
        Scope scope = outer.function();
        scope.symbols().declareTargets(loop.target());
        scope.symbols().visitAll(List.of(loop.test()));
        StatementCompiler.Target target = statements.target(loop.target(), scope);
        Step entry = statements.entry(scope);
        Code test = expressions.compile(loop.test(), scope);
        Layout layout = scope.layout();
        return (f, iterable) -> {
            Iterator<Object> items = Values.iterate(iterable);
            Frame frame = new Frame(f.rendering, f, layout.numSlots());
            entry.run(frame);
            return Generator.of(new LazyIterator() {
                @Override
                Object compute() {
                    while (items.hasNext()) {
                        f.rendering.step();
                        Object item = items.next();
                        target.set(frame, item);
                        if (Values.truth(test.eval(frame))) {
                            return item;
                        }
                    }
                    return Missing.MISSING;
                }
            });
        };
    }

    private static String recurse(Parts parts, Layout layout, Frame outer, Object iterable, int depth0) {
        Rendering rendering = outer.rendering;
        rendering.enter();
        StringBuilder before = rendering.beginCapture();
        Frame frame = new Frame(rendering, outer, layout.numSlots());
        run(parts, outer, frame, iterable, (inner, depth) -> recurse(parts, layout, outer, inner, depth), depth0);
        rendering.leave();
        return rendering.endCapture(before);
    }

    /** Runs a loop found in the activation {@code outer}, with its own variables in {@code frame}. */
    private static Flow run(
            Parts parts,
            Frame outer,
            Frame frame,
            Object iterable,
            LoopContext.@Nullable Recursion recursion,
            int depth0) {
        Object items = parts.filter() == null ? iterable : parts.filter().filtered(outer, iterable);
        boolean completed = parts.loopSlot() >= 0
                ? extended(parts, frame, items, recursion, depth0)
                : plain(parts, frame, Values.iterate(items));
        // As in the reference, the else runs unless the body once ran to its end.
        if (!completed && parts.otherwise() != null) {
            return parts.otherwise().run(frame);
        }
        return Flow.NEXT;
    }

    private static boolean plain(Parts parts, Frame frame, Iterator<Object> items) {
        boolean completed = false;
        while (items.hasNext()) {
            Flow flow = iteration(parts, frame, items.next());
            completed |= flow == Flow.NEXT;
            if (flow == Flow.BREAK) {
                break;
            }
        }
        return completed;
    }

    private static boolean extended(
            Parts parts, Frame frame, Object items, LoopContext.@Nullable Recursion recursion, int depth0) {
        LoopContext loop = new LoopContext(frame.rendering, items, recursion, depth0);
        boolean completed = false;
        for (Object item = loop.advance(); item != Missing.MISSING; item = loop.advance()) {
            frame.set(parts.loopSlot(), loop);
            Flow flow = iteration(parts, frame, item);
            completed |= flow == Flow.NEXT;
            if (flow == Flow.BREAK) {
                break;
            }
        }
        return completed;
    }

    private static Flow iteration(Parts parts, Frame frame, Object item) {
        frame.rendering.step();
        parts.target().set(frame, item);
        parts.entry().run(frame);
        return parts.body().run(frame);
    }
}
