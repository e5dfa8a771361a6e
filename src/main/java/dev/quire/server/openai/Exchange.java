package dev.quire.server.openai;

import dev.quire.frontend.InvalidRequest;
import dev.quire.server.ApiError;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One HTTP request under way, and the event loop it lives on. */
final class Exchange {
    /** Bodies beyond this are parsed and tokenized on a worker: about a millisecond's work. */
    private static final int MAX_INLINE_BYTES = 4096;

    private static final int MAX_ID_LENGTH = 128;
    private static final String PRIORITY_HEADER = "X-Vllm-Priority";

    private final String id;
    private final long arrivalNanos = System.nanoTime();
    private final HttpServerRequest request;
    private final HttpServerResponse response;
    private final Context context;

    /** @param idPrefix of the answer's id, such as {@code cmpl-} */
    Exchange(String idPrefix, HttpServerRequest request) {
        this.request = request;
        this.response = request.response();
        this.context = Vertx.currentContext();
        this.id = idPrefix + requestId(request.getHeader("X-Request-Id"));
    }

    /** The client's own name when it is harmless in logs, else a fresh one. */
    private static String requestId(@Nullable String given) {
        boolean usable = given != null
                && !given.isEmpty()
                && given.length() <= MAX_ID_LENGTH
                && given.chars().allMatch(c -> c > ' ' && c < 0x7F);
        return usable ? given : randomId();
    }

    /** 32 hexadecimal digits. */
    static String randomId() {
        return UUID.randomUUID().toString().replace("-", "");
    }

    String id() {
        return id;
    }

    long arrivalNanos() {
        return arrivalNanos;
    }

    HttpServerResponse response() {
        return response;
    }

    Context context() {
        return context;
    }

    /** The priority header, which overrides the body's field; null when absent. */
    @Nullable
    Integer priority() {
        String value = request.getHeader(PRIORITY_HEADER);
        if (value == null) {
            return null;
        }
        try {
            return Integer.valueOf(value.trim());
        } catch (NumberFormatException e) {
            throw InvalidRequest.badValue("priority", PRIORITY_HEADER + " must be an integer, got " + value + ".");
        }
    }

    /**
     * Prepares the answer, here or for a large body on a worker, and goes on with it on the event loop; an exception
     * becomes the error answer.
     */
    <T> void handle(byte[] body, Callable<T> prepare, Consumer<T> proceed) {
        try {
            requireJson();
            if (body.length <= MAX_INLINE_BYTES) {
                proceed.accept(prepare.call());
                return;
            }
        } catch (Exception e) {
            fail(e);
            return;
        }
        context.executeBlocking(prepare, false)
                .onSuccess(prepared -> proceedOrFail(prepared, proceed))
                .onFailure(this::fail);
    }

    private <T> void proceedOrFail(T prepared, Consumer<T> proceed) {
        if (response.closed()) {
            return;
        }
        try {
            proceed.accept(prepared);
        } catch (RuntimeException e) {
            fail(e);
        }
    }

    private void requireJson() {
        String type = request.getHeader(HttpHeaders.CONTENT_TYPE);
        String media = type == null ? "" : type.split(";", 2)[0].trim().toLowerCase(Locale.ROOT);
        if (!media.equals("application/json")) {
            throw InvalidRequest.badSchema(null, "Unsupported Media Type: Only 'application/json' is allowed");
        }
    }

    void fail(Throwable failure) {
        ApiError.of(failure).send(response);
    }
}
