package dev.quire.server.ops;

import dev.quire.server.ApiError;
import dev.quire.server.config.QuireConfig;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Turns away bodies that are too large and callers without a key, before anything else sees the request. */
@Singleton
public class Doorkeeper {
    private static final int BODY_ORDER = -1000;
    private static final int KEY_ORDER = -900;
    private static final int GRPC_UNAUTHENTICATED = 16;
    private static final String BEARER = "bearer ";
    private static final Set<String> OPEN = Set.of("/health", "/ping", "/version", "/metrics");
    private static final String GRPC_HEALTH = "/grpc.health.v1.Health/";

    private final long maxBodyBytes;
    private final List<byte[]> keyDigests;

    Doorkeeper(QuireConfig config) {
        this.maxBodyBytes = config.maxBodySize().asLongValue();
        this.keyDigests = config.apiKey().orElse(List.of()).stream()
                .map(Doorkeeper::digest)
                .toList();
    }

    void install(@Observes Router router) {
        router.route().order(BODY_ORDER).handler(this::checkBody);
        if (!keyDigests.isEmpty()) {
            router.route().order(KEY_ORDER).handler(this::checkKey);
        }
    }

    private void checkBody(RoutingContext routing) {
        String length = routing.request().getHeader(HttpHeaders.CONTENT_LENGTH);
        if (length != null && isTooLong(length)) {
            HttpServerResponse response = routing.response();
            // The body is not read, so the connection cannot be used again.
            response.putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
            ApiError.ofStatus(413, "The request body is larger than " + maxBodyBytes + " bytes.")
                    .send(response);
            return;
        }
        routing.next();
    }

    private boolean isTooLong(String length) {
        try {
            return Long.parseLong(length.trim()) > maxBodyBytes;
        } catch (NumberFormatException e) {
            return false;
        }
    }

    private void checkKey(RoutingContext routing) {
        String path = routing.normalizedPath();
        if (OPEN.contains(path) || path.startsWith(GRPC_HEALTH) || isKnown(key(routing))) {
            routing.next();
            return;
        }
        HttpServerResponse response = routing.response();
        String type = routing.request().getHeader(HttpHeaders.CONTENT_TYPE);
        if (type != null && type.startsWith("application/grpc")) {
            response.putHeader(HttpHeaders.CONTENT_TYPE, "application/grpc")
                    .putHeader("grpc-status", Integer.toString(GRPC_UNAUTHENTICATED))
                    .putHeader("grpc-message", "a valid API key is required")
                    .end();
            return;
        }
        response.putHeader("WWW-Authenticate", "Bearer");
        ApiError.unauthorized().send(response);
    }

    private static @Nullable String key(RoutingContext routing) {
        String authorization = routing.request().getHeader(HttpHeaders.AUTHORIZATION);
        if (authorization != null && authorization.toLowerCase(Locale.ROOT).startsWith(BEARER)) {
            return authorization.substring(BEARER.length()).trim();
        }
        return routing.request().getHeader("x-api-key");
    }

    /** Compares digests of equal length, all of them: the time tells nothing about the keys. */
    private boolean isKnown(@Nullable String key) {
        if (key == null) {
            return false;
        }
        byte[] digest = digest(key);
        boolean known = false;
        for (byte[] candidate : keyDigests) {
            known |= MessageDigest.isEqual(candidate, digest);
        }
        return known;
    }

    private static byte[] digest(String key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
