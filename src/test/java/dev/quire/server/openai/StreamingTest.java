package dev.quire.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.server.ScriptedServer;
import dev.quire.server.SseClient;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;

@QuarkusTest
@TestProfile(ScriptedServer.class)
class StreamingTest extends ServerTest {
    private static final String MESSAGES = "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]";
    private static final String DONE = "data: [DONE]\n\n";

    /** All events, each cleared of what differs from run to run. */
    private List<String> events(SseClient client) throws IOException {
        assertThat(client.head()).startsWith("HTTP/1.1 200").contains("content-type: text/event-stream; charset=utf-8");
        List<String> events = new ArrayList<>();
        for (String event = client.event(); !event.isEmpty(); event = client.event()) {
            events.add(event.replaceAll("\"created\":\\d+", "\"created\":1"));
        }
        return events;
    }

    private static String chatChunk(String choices, String more) {
        return "data: {\"id\":\"chatcmpl-abc\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"tiny\","
                + "\"choices\":[" + choices + "]" + more + "}\n\n";
    }

    private static String delta(int index, String delta) {
        return chatChunk(
                "{\"index\":" + index + ",\"delta\":{" + delta + "},\"logprobs\":null,\"finish_reason\":null}", "");
    }

    private static String role(int index) {
        return delta(index, "\"role\":\"assistant\",\"content\":\"\"");
    }

    private static String last(int index, String delta, String reason) {
        return chatChunk(
                "{\"index\":" + index + ",\"delta\":{" + delta + "},\"logprobs\":null,\"finish_reason\":\"" + reason
                        + "\",\"stop_reason\":null}",
                "");
    }

    @Test
    void chatChunksByteByByteAndTokenByToken() throws IOException {
        engine.answer("a€b");
        Semaphore steps = engine.stepByStep();
        try (SseClient client = new SseClient(
                server, CHAT, "{" + MESSAGES + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}")) {
            steps.release();
            assertThat(client.head()).startsWith("HTTP/1.1 200");
            List<String> events = new ArrayList<>();
            events.add(client.event());
            events.add(client.event());
            // Three tokens make one character, so two of them are silent.
            steps.release(3);
            events.add(client.event());
            steps.release();
            events.add(client.event());
            steps.release();
            for (String event = client.event(); !event.isEmpty(); event = client.event()) {
                events.add(event);
            }
            events.replaceAll(event -> event.replaceAll("\"created\":\\d+", "\"created\":1"));
            assertThat(events)
                    .containsExactly(
                            role(0),
                            delta(0, "\"content\":\"a\""),
                            delta(0, "\"content\":\"€\""),
                            delta(0, "\"content\":\"b\""),
                            last(0, "\"content\":\"\"", "stop"),
                            chatChunk(
                                    "",
                                    ",\"usage\":{\"prompt_tokens\":19,\"total_tokens\":25,\"completion_tokens\":6,"
                                            + "\"prompt_tokens_details\":{\"cached_tokens\":2}}"),
                            DONE);
        }
    }

    @Test
    void nothingIsSentBeforeTheFirstOutput() throws Exception {
        Semaphore steps = engine.stepByStep();
        try (SseClient client = new SseClient(server, CHAT, "{" + MESSAGES + ",\"stream\":true}")) {
            await("running", () -> engine.numRunning() == 1);
            engine.failAfter(0, "fault before the first token");
            steps.release();
            assertThat(client.head()).startsWith("HTTP/1.1 500");
        }
    }

    @Test
    void allRolesComeBeforeAnyContent() throws IOException {
        engine.answer("hi");
        try (SseClient client = new SseClient(server, CHAT, "{" + MESSAGES + ",\"stream\":true,\"n\":2}")) {
            List<String> events = events(client);
            assertThat(events.subList(0, 2)).containsExactly(role(0), role(1));
            assertThat(text(events, 0)).isEqualTo("hi");
            assertThat(text(events, 1)).isEqualTo("hi");
            assertThat(events).endsWith(DONE);
        }
    }

    /** The contents of one choice's chunks, put together. */
    private static String text(List<String> events, int index) {
        StringBuilder text = new StringBuilder();
        for (String event : events) {
            String marker = "{\"index\":" + index + ",\"delta\":{\"content\":\"";
            int start = event.indexOf(marker);
            if (start >= 0) {
                text.append(event, start + marker.length(), event.indexOf('"', start + marker.length()));
            }
        }
        return text.toString();
    }

    @Test
    void toolCallsAreCompleteDeltas() throws IOException {
        engine.answer("Ok<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":1}}</tool_call>");
        String json = "{" + MESSAGES + ",\"stream\":true,\"tools\":[{\"type\":\"function\"}]}";
        try (SseClient client = new SseClient(server, CHAT, json)) {
            List<String> events = events(client);
            events.replaceAll(event -> event.replaceAll("chatcmpl-tool-[0-9a-f]{32}", "CALL"));
            int numEvents = events.size();
            assertThat(text(events, 0)).isEqualTo("Ok");
            assertThat(events.subList(numEvents - 3, numEvents))
                    .containsExactly(
                            delta(
                                    0,
                                    "\"tool_calls\":[{\"index\":0,\"id\":\"CALL\",\"type\":\"function\",\"function\":"
                                            + "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]"),
                            last(0, "", "tool_calls"),
                            DONE);
        }
    }

    @Test
    void completionChunksWithContinuousUsage() throws IOException {
        engine.answer("a");
        Semaphore steps = engine.stepByStep();
        String json = "{\"prompt\":\"q\",\"echo\":true,\"stream\":true,"
                + "\"stream_options\":{\"include_usage\":true,\"continuous_usage_stats\":true}}";
        try (SseClient client = new SseClient(server, COMPLETIONS, json)) {
            steps.release();
            assertThat(client.head()).startsWith("HTTP/1.1 200");
            List<String> events = new ArrayList<>();
            events.add(client.event());
            steps.release();
            for (String event = client.event(); !event.isEmpty(); event = client.event()) {
                events.add(event);
            }
            events.replaceAll(event -> event.replaceAll("\"created\":\\d+", "\"created\":1"));
            String head = "data: {\"id\":\"cmpl-abc\",\"object\":\"text_completion\",\"created\":1,\"model\":\"tiny\","
                    + "\"choices\":[";
            assertThat(events)
                    .containsExactly(
                            head + "{\"index\":0,\"text\":\"qa\",\"logprobs\":null,\"finish_reason\":null,"
                                    + "\"stop_reason\":null}],\"usage\":{\"prompt_tokens\":2,\"total_tokens\":3,"
                                    + "\"completion_tokens\":1}}\n\n",
                            head + "{\"index\":0,\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"stop\","
                                    + "\"stop_reason\":null}],\"usage\":{\"prompt_tokens\":2,\"total_tokens\":4,"
                                    + "\"completion_tokens\":2}}\n\n",
                            head + "],\"usage\":{\"prompt_tokens\":2,\"total_tokens\":4,\"completion_tokens\":2,"
                                    + "\"prompt_tokens_details\":{\"cached_tokens\":2}}}\n\n",
                            DONE);
        }
    }

    @Test
    void severalPromptsShareOneStream() throws IOException {
        try (SseClient client =
                new SseClient(server, COMPLETIONS, "{\"prompt\":[\"one\",\"two\"],\"stream\":true,\"logprobs\":1}")) {
            String all = String.join("", events(client));
            assertThat(all)
                    .contains("\"index\":0,\"text\":")
                    .contains("\"index\":1,\"text\":")
                    .endsWith(DONE);
            assertThat(all.split("\"finish_reason\":\"stop\"", -1)).hasSize(3);
            assertThat(all.split("<eos>", -1).length).isGreaterThan(2);
        }
    }

    @Test
    void faultInTheMiddleIsAnEventOfItsOwn() throws IOException {
        engine.answer("abcdef");
        engine.failAfter(2, "device fault");
        Semaphore steps = engine.stepByStep();
        try (SseClient client = new SseClient(server, CHAT, "{" + MESSAGES + ",\"stream\":true}")) {
            steps.release(2);
            assertThat(client.head()).startsWith("HTTP/1.1 200");
            client.event();
            steps.release();
            List<String> events = new ArrayList<>();
            for (String event = client.event(); !event.isEmpty(); event = client.event()) {
                events.add(event);
            }
            int numEvents = events.size();
            assertThat(events.subList(numEvents - 2, numEvents))
                    .containsExactly(
                            "data: {\"error\":{\"message\":\"device fault\",\"type\":\"InternalServerError\","
                                    + "\"param\":null,\"code\":500}}\n\n",
                            DONE);
        }
    }

    @Test
    void aClientThatGoesAwayAbortsItsRequest() throws Exception {
        engine.neverEnd(500_000);
        SseClient streaming = new SseClient(server, CHAT, "{" + MESSAGES + ",\"stream\":true}");
        streaming.head();
        streaming.event();
        streaming.event();
        assertThat(engine.numAborted()).isZero();
        streaming.close();
        await("streaming request aborted", () -> engine.numAborted() == 1 && engine.numRunning() == 0);

        SseClient waiting = new SseClient(server, COMPLETIONS, "{\"prompt\":[\"a\",\"b\"]}");
        await("both prompts running", () -> engine.numRunning() == 2);
        waiting.close();
        await("both prompts aborted", () -> engine.numAborted() == 3 && engine.numRunning() == 0);
    }

    @Test
    void aClientThatDoesNotReadIsGivenUpAndCostsOthersNothing() throws Exception {
        engine.neverEnd(1_000);
        String json = "{" + MESSAGES + ",\"stream\":true,\"logprobs\":true,\"top_logprobs\":5,\"n\":8}";
        try (SseClient lazy = new SseClient(server, CHAT, json)) {
            lazy.head();
            await("given up", () -> engine.numAborted() == 1);
            engine.reset();
            engine.answer("still here");
            try (SseClient other = new SseClient(server, CHAT, "{" + MESSAGES + ",\"stream\":true}")) {
                assertThat(text(events(other), 0)).isEqualTo("still here");
            }
        }
    }
}
