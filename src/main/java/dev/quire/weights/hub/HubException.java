package dev.quire.weights.hub;

import org.jspecify.annotations.Nullable;

/** A model cannot be had from the hub or the cache; the message is one line: cause, numbers, remedy. */
public final class HubException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final boolean unreachable;

    HubException(String message) {
        this(message, null, false);
    }

    HubException(String message, @Nullable Throwable cause, boolean unreachable) {
        super(message.replaceAll("\\p{Cntrl}+", " "), cause);
        this.unreachable = unreachable;
    }

    /** Whether the hub could not be reached or had a passing fault, so that what the cache holds will do. */
    public boolean isUnreachable() {
        return unreachable;
    }
}
