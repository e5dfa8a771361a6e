package dev.quire.kernel.cpu;

/** oneDNN was asked for and cannot be used; the message says why, in one line. */
public final class OneDnnUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    OneDnnUnavailableException(String message) {
        super(message);
    }

    OneDnnUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
