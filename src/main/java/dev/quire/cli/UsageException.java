package dev.quire.cli;

import org.jspecify.annotations.Nullable;

/** The command line is wrong; the message is the one line that says how. */
final class UsageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final @Nullable String command;

    UsageException(String message) {
        this(null, message);
    }

    /** @param command whose grammar was broken, such as {@code quire serve} */
    UsageException(@Nullable String command, String message) {
        super(message, null, false, false);
        this.command = command;
    }

    @Nullable
    String command() {
        return command;
    }
}
