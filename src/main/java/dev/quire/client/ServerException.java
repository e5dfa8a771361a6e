package dev.quire.client;

import java.io.IOException;

/** The server cannot be reached or refused; the message is one line for the user. */
public final class ServerException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int status;

    public ServerException(int status, String message) {
        super(message);
        this.status = status;
    }

    /** HTTP status, or 0 when there was no answer or it was an event inside a stream. */
    public int status() {
        return status;
    }
}
