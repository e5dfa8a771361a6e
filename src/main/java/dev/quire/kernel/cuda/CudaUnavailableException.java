package dev.quire.kernel.cuda;

/** This machine cannot run the CUDA backend; the message is one line: what is missing, and what to do. */
public final class CudaUnavailableException extends Exception {
    private static final long serialVersionUID = 1L;

    CudaUnavailableException(String message) {
        super(message);
    }
}
