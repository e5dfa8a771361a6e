package dev.quire.chat;

import dev.quire.chat.jinja.TemplateException;
import org.jspecify.annotations.Nullable;

/** A chat template that cannot be used, or messages that it does not accept; the message says which and why. */
public final class ChatTemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String type;
    private final int line;
    private final boolean raised;

    private ChatTemplateException(
            String type, @Nullable String message, int line, boolean raised, @Nullable Throwable cause) {
        super(message, cause);
        this.type = type;
        this.line = line;
        this.raised = raised;
    }

    ChatTemplateException(TemplateException cause) {
        this(
                cause.kind().pythonName(),
                cause.getMessage(),
                cause.line(),
                cause.kind() == TemplateException.Kind.RAISED,
                cause);
    }

    /** The request does not fit together, whatever the template. */
    ChatTemplateException(String message) {
        this("ValueError", message, 0, false, null);
    }

    /** The name of the exception that transformers raises here: {@code TemplateError}, {@code UndefinedError}, … */
    public String type() {
        return type;
    }

    /** The line of the template, counted from 1; 0 when the template has no part in it. */
    public int line() {
        return line;
    }

    /** Whether the template itself refused the messages; {@link #getMessage} is then its own text, verbatim. */
    public boolean isRaisedByTemplate() {
        return raised;
    }
}
