package dev.quire.frontend;

import org.jspecify.annotations.Nullable;

/** A request that is refused before the engine sees it: an HTTP status, a type word, a message and the guilty field. */
public final class InvalidRequest extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String type;
    private final @Nullable String param;

    private InvalidRequest(int status, String type, String message, @Nullable String param) {
        // Bad input is not a fault of the program: a stack trace would only cost time.
        super(message, null, false, false);
        this.status = status;
        this.type = type;
        this.param = param;
    }

    /** A value is out of range or not supported. */
    public static InvalidRequest badValue(@Nullable String param, String message) {
        return new InvalidRequest(400, "BadRequestError", message, param);
    }

    /** An option that is understood but cannot be served; never dropped in silence when it would change the answer. */
    public static InvalidRequest unsupported(String param, String reason) {
        return badValue(param, param + " is not supported: " + reason);
    }

    /** The body does not have the shape of the request; {@code param} is a dotted path such as {@code body.stop}. */
    public static InvalidRequest badSchema(@Nullable String param, String message) {
        return new InvalidRequest(400, "Bad Request", message, param);
    }

    public static InvalidRequest unknownModel(String name) {
        return new InvalidRequest(404, "NotFoundError", "The model `" + name + "` does not exist.", "model");
    }

    /** HTTP status of the answer, 4xx. */
    public int status() {
        return status;
    }

    public String type() {
        return type;
    }

    /** The field's name as the API spells it. */
    public @Nullable String param() {
        return param;
    }

    /** The message, never null. */
    public String text() {
        return String.valueOf(getMessage());
    }
}
