package dev.quire.chat.jinja;

/** A filter: {@code value|name(args)}. */
interface FilterFunction {
    Object apply(Rendering rendering, Object value, Args args);
}
