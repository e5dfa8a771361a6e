package dev.quire.chat.jinja;

import dev.quire.chat.jinja.Expr.Use;
import dev.quire.chat.jinja.TemplateException.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Macros, call blocks and generation blocks to closures: all are functions that return text. */
final class MacroCompiler {
    private final StatementCompiler statements;
    private final ExpressionCompiler expressions;

    MacroCompiler(StatementCompiler statements, ExpressionCompiler expressions) {
        this.statements = statements;
        this.expressions = expressions;
    }

    Step define(Stmt.Macro macro, Scope scope) {
        Macro.Body body = body(macro.name(), macro.parameters(), macro.defaults(), macro.body(), macro.line(), scope);
        int slot = scope.variable(macro.name()).slot();
        return StatementCompiler.set(f -> f.set(slot, new Macro(body, f)));
    }

    Step generation(Stmt.Generation generation, Scope scope) {
        Macro.Body body = body(null, List.of(), List.of(), generation.body(), generation.line(), scope);
        return StatementCompiler.set(f -> f.rendering.emit(Repr.str(new Macro(body, f).call(f.rendering, Args.NONE))));
    }

    Step callBlock(Stmt.CallBlock block, Scope scope) {
        Macro.Body body = body(null, block.parameters(), block.defaults(), block.body(), block.line(), scope);
        Code call = expressions.call(
                block.call(), scope, arguments -> f -> arguments.eval(f).withKeyword("caller", new Macro(body, f)));
        return StatementCompiler.set(f -> f.rendering.emit(Repr.str(call.eval(f))));
    }

    private Macro.Body body(
            @Nullable String name,
            List<Expr.Name> parameters,
            List<Expr> defaults,
            List<Stmt> bodyStatements,
            int line,
            Scope scope) {
        Scope inner = scope.function();
        Symbols symbols = inner.symbols();
        symbols.visitAll(parameters);
        symbols.visitAll(defaults);
        symbols.visitAll(bodyStatements);
        List<String> names = parameters.stream().map(Expr.Name::name).toList();
        Set<String> special = undeclared(bodyStatements, Set.of("caller", "kwargs", "varargs"));
        if (special.contains("caller")
                && names.contains("caller")
                && names.indexOf("caller") < names.size() - defaults.size()) {
            throw new TemplateException(
                    Kind.ASSERTION,
                    "When defining macros or call blocks the special \"caller\" argument must be omitted or be given a"
                            + " default.",
                    line);
        }
        List<String> slots = new ArrayList<>(names);
        for (String extra : List.of("caller", "kwargs", "varargs")) {
            if (special.contains(extra) && !names.contains(extra)) {
                symbols.declareParameter(extra);
                slots.add(extra);
            }
        }
        Code[] defaultCodes = new Code[names.size()];
        int required = names.size() - defaults.size();
        for (int i = required; i < names.size(); i++) {
            defaultCodes[i] = expressions.compile(defaults.get(i - required), inner);
        }
        int[] indexes = slots.stream().mapToInt(s -> inner.variable(s).slot()).toArray();
        Step entry = statements.entry(inner);
        Step body = statements.block(bodyStatements, inner);
        return new Macro.Body(
                name,
                names,
                indexes,
                defaultCodes,
                special.contains("caller"),
                slots.lastIndexOf("kwargs") >= names.size(),
                slots.lastIndexOf("varargs") >= names.size(),
                inner.layout(),
                entry,
                body);
    }

    /** Those of {@code names} that the statements read before any of them stores a variable of that name. */
    static Set<String> undeclared(List<? extends Node> nodes, Set<String> names) {
        Set<String> searched = new HashSet<>(names);
        Set<String> found = new HashSet<>();
        nodes.forEach(node -> undeclared(node, searched, found));
        return found;
    }

    private static void undeclared(Node node, Set<String> searched, Set<String> found) {
        if (node instanceof Expr.Name name) {
            if (name.use() != Use.LOAD) {
                searched.remove(name.name());
            } else if (searched.contains(name.name())) {
                found.add(name.name());
            }
        }
        node.children().forEach(child -> undeclared(child, searched, found));
    }
}
