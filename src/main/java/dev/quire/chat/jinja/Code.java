package dev.quire.chat.jinja;

/** A compiled expression: immutable, evaluated against one activation. */
interface Code {
    Object eval(Frame frame);
}
