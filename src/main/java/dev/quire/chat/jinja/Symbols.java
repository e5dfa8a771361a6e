package dev.quire.chat.jinja;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which variable each name of a scope means, decided before anything runs, and where its first value comes from.
 *
 * <p>Source: jinja2/idtracking.py 3.1, whose peculiarities templates rely on without knowing: a name that is set
 * somewhere in a loop's body starts there with the outer value at every iteration, a name set in only some branches of
 * an if starts with the value given to the rendering.
 */
final class Symbols {
    /** A variable: its name and the nesting level of the scope that owns it. */
    record Ref(String name, int level) {}

    /** The first value of a variable when its scope is entered. */
    record Load(Kind kind, @Nullable Ref source) {
        enum Kind {
            /** Set by whoever enters the scope. */
            PARAMETER,
            /** The variable of that name given to the rendering, or a global. */
            RESOLVE,
            /** The value of {@code source} in an outer scope. */
            ALIAS,
            UNDEFINED
        }

        static final Load PARAMETER = new Load(Kind.PARAMETER, null);
        static final Load RESOLVE = new Load(Kind.RESOLVE, null);
        static final Load UNDEFINED = new Load(Kind.UNDEFINED, null);
    }

    private final @Nullable Symbols parent;
    private final Layout layout;
    private final int level;
    private final Map<String, Ref> refs = new HashMap<>();
    private final Map<Ref, Load> loads = new LinkedHashMap<>();
    private final Set<String> stores = new HashSet<>();

    Symbols(@Nullable Symbols parent, Layout layout) {
        this(parent, layout, parent == null ? 0 : parent.level + 1);
    }

    private Symbols(@Nullable Symbols parent, Layout layout, int level) {
        this.parent = parent;
        this.layout = layout;
        this.level = level;
    }

    Layout layout() {
        return layout;
    }

    Map<Ref, Load> loads() {
        return loads;
    }

    private Symbols copy() {
        Symbols copy = new Symbols(parent, layout, level);
        copy.refs.putAll(refs);
        copy.loads.putAll(loads);
        copy.stores.addAll(stores);
        return copy;
    }

    private Ref define(String name, Load load) {
        Ref ref = new Ref(name, level);
        refs.put(name, ref);
        loads.put(ref, load);
        return ref;
    }

    private @Nullable Ref find(String name) {
        Ref ref = refs.get(name);
        return ref != null || parent == null ? ref : parent.find(name);
    }

    Ref ref(String name) {
        Ref ref = find(name);
        if (ref == null) {
            throw new IllegalStateException("no variable for the name " + name);
        }
        return ref;
    }

    /** The function whose activation holds the variable. */
    Layout layoutOf(Ref ref) {
        Symbols owner = this;
        while (owner.level != ref.level()) {
            owner = owner.parent;
        }
        return owner.layout;
    }

    private void store(String name) {
        stores.add(name);
        if (!refs.containsKey(name)) {
            Ref outer = parent == null ? null : parent.find(name);
            define(name, outer == null ? Load.UNDEFINED : new Load(Load.Kind.ALIAS, outer));
        }
    }

    Ref declareParameter(String name) {
        stores.add(name);
        return define(name, Load.PARAMETER);
    }

    void load(String name) {
        if (find(name) == null) {
            define(name, Load.RESOLVE);
        }
    }

    private void merge(List<Symbols> branches) {
        Set<String> conditional = new HashSet<>();
        branches.forEach(branch -> conditional.addAll(branch.stores));
        conditional.removeAll(stores);
        for (Symbols branch : branches) {
            refs.putAll(branch.refs);
            loads.putAll(branch.loads);
            stores.addAll(branch.stores);
        }
        for (String name : conditional) {
            Ref outer = parent == null ? null : parent.find(name);
            loads.put(ref(name), outer == null ? Load.RESOLVE : new Load(Load.Kind.ALIAS, outer));
        }
    }

    /** Notes the names used by {@code nodes}, which run in this scope; scopes that they open are left out. */
    void visitAll(Collection<? extends Node> nodes) {
        nodes.forEach(this::visit);
    }

    private void visit(Node node) {
        if (node instanceof Expr.Name name) {
            switch (name.use()) {
                case PARAMETER -> declareParameter(name.name());
                case STORE -> store(name.name());
                case LOAD -> load(name.name());
            }
        } else if (node instanceof Expr.NamespaceRef namespace) {
            load(namespace.name());
        } else if (node instanceof Stmt.If branch) {
            visitIf(branch);
        } else if (node instanceof Stmt.Macro macro) {
            store(macro.name());
        } else if (node instanceof Stmt.Assign assign) {
            visit(assign.value());
            visit(assign.target());
        } else if (node instanceof Stmt.AssignBlock assign) {
            visit(assign.target());
        } else if (node instanceof Stmt.For loop) {
            visit(loop.iterable());
        } else if (node instanceof Stmt.CallBlock block) {
            visit(block.call());
        } else if (node instanceof Stmt.FilterBlock block) {
            visit(block.filter());
        } else if (node instanceof Stmt.With with) {
            visitAll(with.values());
        } else if (!(node instanceof Stmt.Generation)) {
            visitAll(node.children());
        }
    }

    private void visitIf(Stmt.If branch) {
        visit(branch.test());
        Symbols body = copy();
        body.visitAll(branch.body());
        Symbols elifs = copy();
        elifs.visitAll(branch.elifs());
        Symbols otherwise = copy();
        otherwise.visitAll(branch.otherwise());
        merge(List.of(body, elifs, otherwise));
    }

    /** Declares every name of an assignment target as a parameter of this scope. */
    void declareTargets(Expr target) {
        if (target instanceof Expr.Name name) {
            declareParameter(name.name());
        } else {
            target.children().forEach(child -> declareTargets((Expr) child));
        }
    }
}
