package dev.quire.chat.jinja;

/** A compiled statement: immutable, run against one activation. */
interface Step {
    /** Where control goes after a statement. */
    enum Flow {
        NEXT,
        BREAK,
        CONTINUE
    }

    Flow run(Frame frame);
}
