package dev.quire.chat.jinja;

/** A template value that can be called. */
interface Callable extends TemplateObject {
    Object call(Rendering rendering, Args args);
}
