package dev.quire.tensor;

/** An allocation does not fit: the message holds the tensor, the bytes asked and the bytes available. */
public final class OutOfDeviceMemoryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public OutOfDeviceMemoryException(String message) {
        super(message);
    }
}
