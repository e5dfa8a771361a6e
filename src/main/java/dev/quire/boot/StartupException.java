package dev.quire.boot;

/** The engine cannot start; the message is the one line a user needs: cause, numbers, remedy. */
public final class StartupException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public StartupException(String message) {
        super(message);
    }

    public StartupException(String message, Throwable cause) {
        super(message, cause);
    }
}
