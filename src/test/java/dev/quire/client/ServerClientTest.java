package dev.quire.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ServerClientTest {
    private static List<String> texts(ServerClient client) throws IOException, InterruptedException {
        List<String> texts = new ArrayList<>();
        client.stream(
                "/v1/completions",
                client.object().put("a", 1),
                chunk -> texts.add(chunk.path("t").asText()));
        return texts;
    }

    @Test
    void streamsUntilDone() throws Exception {
        try (FakeServer server = new FakeServer()
                .answer(
                        "/v1/completions",
                        200,
                        "data: {\"t\":\"x\"}\n",
                        "\ndata: {\"t\":\"y\"}\n\n",
                        "data: [DONE]\n\n")) {
            assertThat(texts(new ServerClient(server.url(), "secret"))).containsExactly("x", "y");
            assertThat(server.bodies()).containsExactly("{\"a\":1}");
            assertThat(server.keys()).containsExactly("Bearer secret");
        }
    }

    @Test
    void namesTheFirstModelAndTakesUrlsWithV1() throws Exception {
        try (FakeServer server =
                new FakeServer().answer("/v1/models", 200, "{\"data\":[{\"id\":\"m\"},{\"id\":\"n\"}]}")) {
            assertThat(new ServerClient(URI.create(server.url() + "/v1/"), null).firstModel())
                    .isEqualTo("m");
            assertThat(server.keys()).containsExactly("null");
        }
    }

    @Test
    void aRefusalCarriesTheServersWords() throws Exception {
        try (FakeServer server =
                new FakeServer().answer("/v1/completions", 404, "{\"error\":{\"message\":\"no such model\"}}")) {
            assertThatThrownBy(() -> texts(new ServerClient(server.url(), null)))
                    .isInstanceOfSatisfying(
                            ServerException.class, e -> assertThat(e.status()).isEqualTo(404))
                    .hasMessage("HTTP 404 from " + server.url() + "/v1/completions: no such model");
        }
        try (FakeServer server = new FakeServer().answer("/v1/completions", 401, "{\"error\":\"Unauthorized\"}")) {
            assertThatThrownBy(() -> texts(new ServerClient(server.url(), null)))
                    .hasMessageEndingWith(": Unauthorized");
        }
        try (FakeServer server = new FakeServer().answer("/v1/completions", 502, "<html>")) {
            assertThatThrownBy(() -> texts(new ServerClient(server.url(), null)))
                    .hasMessageEndingWith(": <html>");
        }
    }

    @Test
    void anErrorInsideTheStreamAndAnEarlyEndAreFailures() throws Exception {
        try (FakeServer server = new FakeServer()
                .answer(
                        "/v1/completions",
                        200,
                        "data: {\"error\":{\"message\":\"engine died\"}}\n\ndata: [DONE]\n\n")) {
            assertThatThrownBy(() -> texts(new ServerClient(server.url(), null)))
                    .hasMessage("engine died");
        }
        try (FakeServer server = new FakeServer().answer("/v1/completions", 200, "data: {\"t\":\"x\"}\n\n")) {
            assertThatThrownBy(() -> texts(new ServerClient(server.url(), null)))
                    .hasMessageContaining("closed the stream before its end");
        }
    }

    @Test
    void readyMeansHealthAnswers200() throws Exception {
        try (FakeServer server = new FakeServer().answer("/health", 503)) {
            assertThat(new ServerClient(server.url(), null).isReady()).isFalse();
        }
        try (FakeServer server = new FakeServer().answer("/health", 200)) {
            assertThat(new ServerClient(server.url(), null).isReady()).isTrue();
        }
        assertThat(new ServerClient(URI.create("http://localhost:1"), null).isReady())
                .isFalse();
    }
}
