package dev.quire.server;

import dev.quire.frontend.InvalidRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * An error answer in the API's form: {@code {"error":{"message","type","param","code"}}}, the code being the status.
 *
 * @param retryAfterSeconds for {@code Retry-After}; 0 leaves the header out
 */
public record ApiError(
        int status, String type, String message, @Nullable String param, int retryAfterSeconds) {
    private static final Logger LOG = Logger.getLogger(ApiError.class);

    public static ApiError of(InvalidRequest e) {
        return new ApiError(e.status(), e.type(), e.text(), e.param(), 0);
    }

    /** A framework's error: the type is the status' reason phrase. */
    public static ApiError ofStatus(int status, @Nullable String message) {
        String phrase = HttpResponseStatus.valueOf(status).reasonPhrase();
        return new ApiError(status, phrase, message == null ? phrase : message, null, 0);
    }

    public static ApiError queueFull(int retryAfterSeconds) {
        return new ApiError(
                429,
                "TooManyRequestsError",
                "The server is at its limit of queued requests. Please retry after " + retryAfterSeconds + " s.",
                null,
                retryAfterSeconds);
    }

    public static ApiError unavailable(String reason, int retryAfterSeconds) {
        return new ApiError(503, "ServiceUnavailableError", reason, null, retryAfterSeconds);
    }

    /** A missing or wrong key. */
    public static ApiError unauthorized() {
        return new ApiError(
                401, "AuthenticationError", "Unauthorized: a valid API key is required as a bearer token.", null, 0);
    }

    public static ApiError internal(String message) {
        return new ApiError(500, "InternalServerError", message, null, 0);
    }

    /** What a sender hears of {@code failure}; an unexpected one is logged and not told. */
    public static ApiError of(Throwable failure) {
        if (failure instanceof InvalidRequest invalid) {
            return of(invalid);
        }
        LOG.error("request failed", failure);
        return internal("Internal server error");
    }

    /** The body, UTF-8. */
    public Buffer body() {
        return write(new JsonOut(256)).buffer();
    }

    /** Appends the body. */
    public JsonOut write(JsonOut out) {
        return out.raw("{\"error\":{\"message\":")
                .string(message)
                .raw(",\"type\":")
                .string(type)
                .raw(",\"param\":")
                .string(param)
                .raw(",\"code\":")
                .number(status)
                .raw("}}");
    }

    /** Answers with this error, unless the answer has begun or the client is gone. */
    public void send(HttpServerResponse response) {
        if (response.ended() || response.closed() || response.headWritten()) {
            return;
        }
        response.setStatusCode(status).putHeader(HttpHeaders.CONTENT_TYPE, "application/json");
        if (retryAfterSeconds > 0) {
            response.putHeader("Retry-After", Integer.toString(retryAfterSeconds));
        }
        response.end(body());
    }
}
