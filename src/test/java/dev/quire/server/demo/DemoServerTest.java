package dev.quire.server.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.quire.engine.EngineClient;
import dev.quire.engine.EngineStats;
import dev.quire.request.FinishReason;
import dev.quire.server.SseClient;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The embedded model behind the real server: what a new user gets, and what a crowd gets. */
@QuarkusTest
@Timeout(300)
class DemoServerTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TestHTTPResource
    URI server;

    @Inject
    Instance<EngineClient> engines;

    private EngineClient engine;

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    @BeforeEach
    void ready() throws Exception {
        HttpRequest health = HttpRequest.newBuilder(server.resolve("/health")).build();
        while (http.send(health, BodyHandlers.discarding()).statusCode() != 200) {
            Thread.sleep(50);
        }
        engine = engines.get();
        assertThat(engine.state()).isEqualTo(EngineClient.State.READY);
    }

    private static List<JsonNode> lines(String resource) throws IOException {
        try (InputStream in = DemoServerTest.class.getResourceAsStream(resource)) {
            List<JsonNode> rows = new ArrayList<>();
            for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                rows.add(JSON.readTree(line));
            }
            return rows;
        }
    }

    private JsonNode post(String path, JsonNode body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(server.resolve(path))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
                .build();
        var response = http.send(request, BodyHandlers.ofString());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JSON.readTree(response.body());
    }

    private static ObjectNode chat(String prompt) {
        ObjectNode body = JSON.createObjectNode().put("model", "quire-demo").put("temperature", 0);
        body.putArray("messages").addObject().put("role", "user").put("content", prompt);
        return body;
    }

    @Test
    void knowsTheCapitalOfFrance() throws Exception {
        JsonNode answer = post("/v1/chat/completions", chat("What is the capital of France?"));
        assertThat(answer.at("/choices/0/message/content").textValue()).isEqualTo("The capital of France is Paris.");
        assertThat(answer.at("/choices/0/finish_reason").textValue()).isEqualTo("stop");
    }

    @Test
    void answersTheShortQuestionsExactly() throws Exception {
        List<String> wrong = new ArrayList<>();
        List<JsonNode> rows = lines("/quire-demo-smoke.jsonl");
        for (JsonNode row : rows) {
            JsonNode answer =
                    post("/v1/chat/completions", chat(row.get("prompt").textValue()));
            if (!answer.at("/choices/0/message/content")
                    .textValue()
                    .equals(row.get("answer").textValue())) {
                wrong.add(row.get("prompt").textValue());
            }
        }
        assertThat(rows).hasSize(60);
        assertThat(wrong).hasSizeLessThanOrEqualTo(6);
    }

    @Test
    void callsToolsItHasNotSeenInTraining() throws Exception {
        List<JsonNode> rows = lines("/quire-demo-tools.jsonl");
        List<Callable<Boolean>> calls = new ArrayList<>();
        for (JsonNode row : rows) {
            calls.add(() -> callsAsExpected(row));
        }
        int numRight = 0;
        for (Future<Boolean> right : inParallel(calls)) {
            numRight += right.get() ? 1 : 0;
        }
        assertThat(rows).hasSize(200);
        assertThat(numRight).isGreaterThanOrEqualTo(180);
    }

    private boolean callsAsExpected(JsonNode row) throws Exception {
        ObjectNode body = JSON.createObjectNode().put("model", "quire-demo").put("temperature", 0);
        body.set("messages", row.get("messages"));
        body.set("tools", row.get("tools"));
        JsonNode choice = post("/v1/chat/completions", body).at("/choices/0");
        JsonNode expected = row.get("expected");
        JsonNode got = choice.at("/message/tool_calls");
        boolean right = choice.get("finish_reason").textValue().equals("tool_calls") && got.size() == expected.size();
        for (int i = 0; right && i < expected.size(); i++) {
            JsonNode function = got.get(i).get("function");
            right = function.get("name").equals(expected.get(i).get("name"))
                    && JSON.readTree(function.get("arguments").textValue())
                            .equals(expected.get(i).get("arguments"));
        }
        return right;
    }

    private static <T> List<Future<T>> inParallel(List<Callable<T>> calls) throws InterruptedException {
        ExecutorService clients = Executors.newFixedThreadPool(Math.min(calls.size(), 256));
        try {
            return clients.invokeAll(calls);
        } finally {
            clients.shutdown();
        }
    }

    /** 256 streams at once, every third one cut at a random event; the others must be whole and right. */
    @Test
    void aCrowdWithRandomDisconnectsChangesNobodysAnswer() throws Exception {
        List<JsonNode> rows = lines("/quire-demo-smoke.jsonl");
        List<String> expected = new ArrayList<>();
        List<Integer> numTokens = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            JsonNode answer = post("/v1/chat/completions", crowd(rows, i));
            expected.add(answer.at("/choices/0/message/content").textValue());
            numTokens.add(answer.at("/usage/completion_tokens").intValue());
        }
        EngineStats before = engine.stats();
        Random random = new Random(4);
        List<Callable<Integer>> streams = new ArrayList<>();
        for (int i = 0; i < 256; i++) {
            int question = i % 16;
            int cutAfter = i % 3 == 0 ? random.nextInt(20) : Integer.MAX_VALUE;
            streams.add(() -> stream(rows, question, cutAfter, expected.get(question)));
        }
        int numWhole = 0;
        long wholeTokens = 0;
        List<Future<Integer>> ends = inParallel(streams);
        for (int i = 0; i < ends.size(); i++) {
            if (ends.get(i).get() > 0) {
                numWhole++;
                wholeTokens += numTokens.get(i % 16);
            }
        }
        assertThat(numWhole).isGreaterThanOrEqualTo(170);
        EngineStats after = settled();
        assertThat(after.numFreeBlocks()).as("no block is leaked").isEqualTo(after.numBlocks());
        long stopped = finished(after, before, FinishReason.STOP) + finished(after, before, FinishReason.LENGTH);
        long aborted = finished(after, before, FinishReason.ABORT);
        assertThat(stopped + aborted).isEqualTo(256);
        assertThat(stopped).isGreaterThanOrEqualTo(numWhole);
        assertThat(aborted).isPositive();
        assertThat(finished(after, before, FinishReason.ERROR)).isZero();
        assertThat(after.numGenerationTokens() - before.numGenerationTokens()).isGreaterThanOrEqualTo(wholeTokens);
        assertMetricsAgree(after);
    }

    private static ObjectNode crowd(List<JsonNode> rows, int question) {
        String prompt = question % 4 == 0
                ? "Tell me a story about a little girl."
                : rows.get(question).get("prompt").textValue();
        return chat(prompt).put("max_tokens", 40 + question);
    }

    /** 1 when the stream came to its end as expected, 0 when this client cut it. */
    private int stream(List<JsonNode> rows, int question, int cutAfter, String expected) throws Exception {
        ObjectNode body = crowd(rows, question).put("stream", true);
        StringBuilder text = new StringBuilder();
        try (SseClient client = new SseClient(server, "/v1/chat/completions", body.toString())) {
            assertThat(client.head()).startsWith("HTTP/1.1 200");
            for (int events = 0; events < cutAfter; events++) {
                String event = client.event();
                if (event.equals("data: [DONE]\n\n")) {
                    assertThat(text.toString()).isEqualTo(expected);
                    return 1;
                }
                JsonNode chunk = JSON.readTree(event.substring("data: ".length()));
                assertThat(chunk.has("error")).as(event).isFalse();
                text.append(chunk.at("/choices/0/delta/content").asText(""));
            }
        }
        return 0;
    }

    private EngineStats settled() throws InterruptedException {
        EngineStats stats = engine.stats();
        for (int i = 0; i < 500 && stats.numRequestsRunning() + stats.numRequestsWaiting() > 0; i++) {
            Thread.sleep(10);
            stats = engine.stats();
        }
        return stats;
    }

    private static long finished(EngineStats after, EngineStats before, FinishReason reason) {
        return after.numFinished()[reason.ordinal()] - before.numFinished()[reason.ordinal()];
    }

    private void assertMetricsAgree(EngineStats stats) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(server.resolve("/metrics")).build();
        String page = http.send(request, BodyHandlers.ofString()).body();
        assertThat(value(page, "vllm:num_requests_running")).isZero();
        assertThat(value(page, "vllm:num_requests_waiting")).isZero();
        assertThat(value(page, "vllm:kv_cache_usage_perc")).isZero();
        assertThat(value(page, "vllm:generation_tokens_total")).isEqualTo(stats.numGenerationTokens());
        assertThat(value(page, "vllm:prompt_tokens_total")).isEqualTo(stats.numPromptTokens());
        double finished = page.lines()
                .filter(line -> line.startsWith("vllm:request_success_total{"))
                .mapToDouble(DemoServerTest::lastNumber)
                .sum();
        long expected = 0;
        for (long count : stats.numFinished()) {
            expected += count;
        }
        assertThat(finished).isEqualTo(expected);
    }

    private static double value(String page, String name) {
        return page.lines()
                .filter(line -> line.startsWith(name + "{"))
                .mapToDouble(DemoServerTest::lastNumber)
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + name));
    }

    private static double lastNumber(String line) {
        return Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
    }
}
