package dev.quire.chat.jinja;

/** A template that cannot be compiled, or a rendering that the template or its guards ended. */
public final class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What went wrong, each with the name of the exception that the reference implementation raises. */
    public enum Kind {
        SYNTAX("TemplateSyntaxError"),
        ASSERTION("TemplateAssertionError"),
        /** The template itself called {@code raise_exception}. */
        RAISED("TemplateError"),
        RUNTIME("TemplateRuntimeError"),
        UNDEFINED("UndefinedError"),
        SECURITY("SecurityError"),
        FAILED_ASSERTION("AssertionError"),
        FILTER_ARGUMENT("FilterArgumentError"),
        TYPE("TypeError"),
        VALUE("ValueError"),
        ATTRIBUTE("AttributeError"),
        INDEX("IndexError"),
        KEY("KeyError"),
        ZERO_DIVISION("ZeroDivisionError"),
        OVERFLOW("OverflowError"),
        RECURSION("RecursionError"),
        /** A guard of {@link Limits} ended the rendering. */
        LIMIT("LimitExceeded");

        private final String pythonName;

        Kind(String pythonName) {
            this.pythonName = pythonName;
        }

        public String pythonName() {
            return pythonName;
        }
    }

    private final Kind kind;
    private final int line;

    TemplateException(Kind kind, String message, int line) {
        // No stack trace: the place that matters is a line of the template.
        super(message, null, false, false);
        this.kind = kind;
        this.line = line;
    }

    TemplateException(Kind kind, String message) {
        this(kind, message, 0);
    }

    static TemplateException type(String message) {
        return new TemplateException(Kind.TYPE, message);
    }

    static TemplateException noAttribute(Object owner, String name) {
        String type = Repr.repr(Values.typeName(owner));
        return new TemplateException(Kind.ATTRIBUTE, type + " object has no attribute " + Repr.repr(name));
    }

    static TemplateException value(String message) {
        return new TemplateException(Kind.VALUE, message);
    }

    static TemplateException syntax(String message, int line) {
        return new TemplateException(Kind.SYNTAX, message, line);
    }

    TemplateException atLine(int lineIfUnknown) {
        return line > 0 ? this : new TemplateException(kind, getMessage(), lineIfUnknown);
    }

    public Kind kind() {
        return kind;
    }

    /** Line of the template, counted from 1; 0 when unknown. */
    public int line() {
        return line;
    }
}
