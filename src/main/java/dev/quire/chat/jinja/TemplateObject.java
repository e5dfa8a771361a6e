package dev.quire.chat.jinja;

/** A template value that is not a plain Java one. */
interface TemplateObject {
    /** Name of the Python type, as its error messages write it. */
    String typeName();

    /** The type as an undefined attribute's message writes it. */
    default String qualifiedTypeName() {
        return typeName();
    }

    default boolean truth() {
        return true;
    }

    default String repr() {
        return "<" + typeName() + " object>";
    }

    /** The attribute, or {@link Missing}. */
    default Object attribute(String name) {
        return Missing.MISSING;
    }
}
