package dev.quire.chat.jinja;

import dev.quire.chat.jinja.TemplateException.Kind;

/**
 * A value that is not there: prints as nothing, is false and empty, and fails at any other use.
 *
 * @param message what the failure says
 * @param kind the failure
 */
record Undefined(String message, Kind kind) implements TemplateObject {

    static Undefined variable(String name) {
        return hint(Repr.repr(name) + " is undefined");
    }

    static Undefined hint(String message) {
        return new Undefined(message, Kind.UNDEFINED);
    }

    /** {@code owner} has neither an attribute nor an element {@code name}. */
    static Undefined member(Object owner, Object name) {
        String type = Values.qualifiedTypeName(owner);
        if (Values.isString(name)) {
            return hint(Repr.repr(type) + " has no attribute " + Repr.repr(Values.text(name)));
        }
        return hint(type + " has no element " + Repr.repr(name));
    }

    static Undefined unsafe(Object owner, String attribute) {
        return new Undefined(
                "access to attribute " + Repr.repr(attribute) + " of " + Repr.repr(Values.typeName(owner))
                        + " object is unsafe.",
                Kind.SECURITY);
    }

    TemplateException fail() {
        return new TemplateException(kind, message);
    }

    @Override
    public String typeName() {
        return "Undefined";
    }

    @Override
    public String qualifiedTypeName() {
        return "jinja2.runtime.Undefined object";
    }

    @Override
    public boolean truth() {
        return false;
    }

    @Override
    public String repr() {
        return "Undefined";
    }
}
