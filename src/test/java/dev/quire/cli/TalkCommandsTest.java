package dev.quire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.client.FakeServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TalkCommandsTest {
    private static final String MODELS = "{\"data\":[{\"id\":\"quire-demo\"}]}";
    private static final String CHAT = """
            data: {"choices":[{"delta":{"role":"assistant","content":""}}]}

            data: {"choices":[{"delta":{"content":"Par"}}]}

            data: {"choices":[{"delta":{"content":"is ☕"}}]}

            data: {"choices":[{"delta":{},"finish_reason":"stop"}]}

            data: [DONE]

            """;
    private static final String COMPLETION = """
            data: {"choices":[{"text":" upon"}]}

            data: {"choices":[{"text":" a time"}]}

            data: [DONE]

            """;

    private final FakeServer server;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    TalkCommandsTest() throws IOException {
        server = new FakeServer()
                .answer("/v1/models", 200, MODELS)
                .answer("/v1/chat/completions", 200, CHAT)
                .answer("/v1/completions", 200, COMPLETION);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private int run(String input, boolean terminal, String... args) {
        List<String> typed = new ArrayList<>(List.of(args));
        typed.addAll(List.of("--url", server.url().toString()));
        Console console = new Console(
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                Map.of(),
                terminal,
                false);
        return QuireMain.run(console, typed.toArray(new String[0]));
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void eachLineIsAMessageOfOneConversation() {
        assertThat(run("What is the capital of France?\n\nSure?\n", false, "chat", "--system-prompt", "Be brief."))
                .isZero();
        assertThat(out()).isEqualTo("Paris ☕\nParis ☕\n");
        assertThat(server.bodies().get(2))
                .isEqualTo("{\"model\":\"quire-demo\",\"stream\":true,\"messages\":["
                        + "{\"role\":\"system\",\"content\":\"Be brief.\"},"
                        + "{\"role\":\"user\",\"content\":\"What is the capital of France?\"},"
                        + "{\"role\":\"assistant\",\"content\":\"Paris ☕\"},"
                        + "{\"role\":\"user\",\"content\":\"Sure?\"}]}");
    }

    @Test
    void aTerminalIsPrompted() {
        assertThat(run("hello\n", true, "chat", "--model", "m")).isZero();
        assertThat(out()).isEqualTo("> Paris ☕\n> ");
    }

    @Test
    void quickSendsOneMessage() {
        assertThat(run("", false, "chat", "--model", "m", "-q", "hello", "--max-tokens", "9", "--temperature", "0.5"))
                .isZero();
        assertThat(server.bodies())
                .containsExactly("{\"model\":\"m\",\"stream\":true,\"max_tokens\":9,\"temperature\":0.5,\"messages\":["
                        + "{\"role\":\"user\",\"content\":\"hello\"}]}");
    }

    @Test
    void completeTakesThePromptFromArgumentOrInput() {
        assertThat(run("", false, "complete", "Once", "--model", "m")).isZero();
        assertThat(out()).isEqualTo(" upon a time\n");
        assertThat(run("Twice\nmore", false, "complete", "--model", "m")).isZero();
        assertThat(server.bodies().get(1)).contains("\"prompt\":\"Twice\\nmore\"");
        assertThat(run("", false, "complete", "--model", "m")).isEqualTo(2);
    }
}
