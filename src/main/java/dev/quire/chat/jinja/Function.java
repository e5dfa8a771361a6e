package dev.quire.chat.jinja;

/** A built-in function, or a method already bound to its object. */
record Function(String name, Body body) implements Callable {
    interface Body {
        Object call(Rendering rendering, Args args);
    }

    @Override
    public Object call(Rendering rendering, Args args) {
        return body.call(rendering, args);
    }

    @Override
    public String typeName() {
        return "builtin_function_or_method";
    }

    @Override
    public String repr() {
        return "<built-in function " + name + ">";
    }
}
