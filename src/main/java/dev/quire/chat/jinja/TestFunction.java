package dev.quire.chat.jinja;

/** A test: {@code value is name(args)}. */
interface TestFunction {
    boolean holds(Rendering rendering, Object value, Args args);
}
