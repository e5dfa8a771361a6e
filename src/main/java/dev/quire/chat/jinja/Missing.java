package dev.quire.chat.jinja;

/** The mark of a variable or argument that has no value, not even none. */
enum Missing {
    MISSING
}
