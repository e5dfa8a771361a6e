package dev.quire.chat.jinja;

/**
 * Where the compiler is: the names it sees, and what is allowed there.
 *
 * @param soft inside of an if, where an unknown filter fails only if it is reached
 * @param inLoop whether break and continue have a loop in this function
 */
record Scope(Symbols symbols, boolean soft, boolean inLoop) {

    /** A variable as the running code finds it. */
    record Variable(int hops, int slot) {}

    static Scope root() {
        return new Scope(new Symbols(null, new Layout(null)), false, false);
    }

    Layout layout() {
        return symbols.layout();
    }

    Scope soften() {
        return new Scope(symbols, true, inLoop);
    }

    /** A nested scope of the same function. */
    Scope inner() {
        return new Scope(new Symbols(symbols, layout()), false, inLoop);
    }

    /** The outermost scope of a nested function. */
    Scope function() {
        return new Scope(new Symbols(symbols, new Layout(layout())), false, false);
    }

    /** A nested scope whose variables live in the function {@code layout}. */
    Scope inner(Layout layout, boolean withLoop) {
        return new Scope(new Symbols(symbols, layout), false, withLoop);
    }

    Variable variable(String name) {
        return variable(symbols.ref(name));
    }

    Variable variable(Symbols.Ref ref) {
        Layout owner = symbols.layoutOf(ref);
        return new Variable(layout().depth() - owner.depth(), owner.slot(ref));
    }
}
