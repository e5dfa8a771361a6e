package dev.quire.request;

/** A request parameter is out of its range; the message names the parameter, the value and the limit. */
public final class InvalidParameterException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final String parameter;

    public InvalidParameterException(String parameter, String message) {
        super(message);
        this.parameter = parameter;
    }

    /** The parameter's name as the HTTP API spells it, such as {@code top_p}. */
    public String parameter() {
        return parameter;
    }
}
