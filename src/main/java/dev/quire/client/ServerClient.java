package dev.quire.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Sends requests to one server and waits for the answers. Safe for any number of threads. */
public final class ServerClient {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
    private static final String END_OF_STREAM = "[DONE]";

    private final ObjectMapper json = new ObjectMapper();
    private final HttpClient http;
    private final String base;
    private final @Nullable String apiKey;

    /** Hears the events of a stream. */
    @FunctionalInterface
    public interface Events {
        /** One chunk, as the server sent it. */
        void chunk(JsonNode chunk);
    }

    /**
     * @param url the server, with or without {@code /v1}
     * @param apiKey null when it wants none
     */
    public ServerClient(URI url, @Nullable String apiKey) {
        this(url, apiKey, HttpClient.newBuilder());
    }

    /** Runs the HTTP client's own work on {@code executor}. */
    public ServerClient(URI url, @Nullable String apiKey, Executor executor) {
        this(url, apiKey, HttpClient.newBuilder().executor(executor));
    }

    private ServerClient(URI url, @Nullable String apiKey, HttpClient.Builder builder) {
        String text = url.toString().replaceAll("/+$", "");
        this.base = text.endsWith("/v1") ? text.substring(0, text.length() - 3) : text;
        this.apiKey = apiKey;
        // HTTP/1.1: an upgrade to h2c would cost the first request a round trip and gain nothing.
        this.http = builder.version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(CONNECT_TIMEOUT)
                .build();
    }

    public String base() {
        return base;
    }

    /** An empty JSON object to fill. */
    public ObjectNode object() {
        return json.createObjectNode();
    }

    /** Name of the server's first model. */
    public String firstModel() throws IOException, InterruptedException {
        HttpResponse<InputStream> response = send(request("/v1/models").GET().build());
        try (InputStream body = response.body()) {
            JsonNode name = json.readTree(body).at("/data/0/id");
            if (!name.isTextual()) {
                throw new ServerException(response.statusCode(), base + "/v1/models lists no model");
            }
            return name.textValue();
        }
    }

    /** Whether {@code /health} answers 200. */
    public boolean isReady() throws InterruptedException {
        try {
            HttpRequest request = request("/health").GET().build();
            return http.send(request, BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Posts {@code body} and hands over every chunk of the streamed answer until {@code [DONE]}.
     *
     * @throws ServerException when the server refuses, cannot be reached, reports an error or ends too early
     */
    public void stream(String path, ObjectNode body, Events events) throws IOException, InterruptedException {
        HttpResponse<InputStream> response = send(request(path)
                .header("Content-Type", "application/json")
                .header("Accept", "text/event-stream")
                .POST(HttpRequest.BodyPublishers.ofByteArray(json.writeValueAsBytes(body)))
                .build());
        try (SseReader reader = new SseReader(response.body())) {
            for (String data = reader.next(); data != null; data = reader.next()) {
                if (data.equals(END_OF_STREAM)) {
                    return;
                }
                JsonNode chunk = json.readTree(data);
                if (chunk.has("error")) {
                    throw new ServerException(0, message(chunk, data));
                }
                events.chunk(chunk);
            }
        }
        throw new ServerException(0, base + path + " closed the stream before its end");
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(base + path));
        return apiKey == null ? builder : builder.header("Authorization", "Bearer " + apiKey);
    }

    private HttpResponse<InputStream> send(HttpRequest request) throws IOException, InterruptedException {
        HttpResponse<InputStream> response;
        try {
            response = http.send(request, BodyHandlers.ofInputStream());
        } catch (ConnectException e) {
            throw new ServerException(0, "no server at " + base + "; start one with: quire serve");
        }
        if (response.statusCode() != 200) {
            try (InputStream body = response.body()) {
                throw new ServerException(
                        response.statusCode(),
                        "HTTP " + response.statusCode() + " from " + request.uri() + ": " + refusal(body));
            }
        }
        return response;
    }

    private String refusal(InputStream body) throws IOException {
        String text = new String(body.readAllBytes(), StandardCharsets.UTF_8);
        try {
            return message(json.readTree(text), text);
        } catch (JsonProcessingException e) {
            return text;
        }
    }

    private static String message(JsonNode body, String otherwise) {
        JsonNode error = body.path("error");
        JsonNode message = error.isTextual() ? error : error.path("message");
        return message.isTextual() ? message.textValue() : otherwise;
    }
}
