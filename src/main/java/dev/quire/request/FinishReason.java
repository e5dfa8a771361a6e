package dev.quire.request;

/** Why a sequence ended. */
public enum FinishReason {
    /** End-of-sequence token, stop token id or stop string. */
    STOP("stop"),
    /** {@code max_tokens} or the model's context was reached. */
    LENGTH("length"),
    /** The client went away or asked to cancel. */
    ABORT("abort"),
    /** The engine failed; never shown to a client as a finish reason. */
    ERROR("error");

    private final String label;

    FinishReason(String label) {
        this.label = label;
    }

    /** The lower-case word of the HTTP API and of the metric label. */
    public String label() {
        return label;
    }
}
