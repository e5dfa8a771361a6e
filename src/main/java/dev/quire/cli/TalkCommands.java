package dev.quire.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.quire.client.ServerClient;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** {@code quire chat} and {@code quire complete}: text in, streamed text out. */
final class TalkCommands {
    private static final String DEFAULT_URL = "http://localhost:8000";

    private final Arguments arguments;
    private final Console console;
    private final ServerClient server;

    TalkCommands(Arguments arguments, Console console) {
        this.arguments = arguments;
        this.console = console;
        this.server = new ServerClient(url(arguments, "url"), apiKey(arguments, console));
    }

    static URI url(Arguments arguments, String option) {
        String text = arguments.text(option, ValueCheck.text(), DEFAULT_URL);
        try {
            URI url = URI.create(text.contains("://") ? text : "http://" + text);
            if (url.getHost() != null) {
                return url;
            }
        } catch (IllegalArgumentException ignored) {
            // Said below.
        }
        throw new UsageException(
                "--" + option + " must be an address such as " + DEFAULT_URL + ", got \"" + text + "\"");
    }

    static @Nullable String apiKey(Arguments arguments, Console console) {
        String key = arguments.text("api-key", ValueCheck.text());
        if (key == null) {
            key = console.environment().get("VLLM_API_KEY");
        }
        return key == null ? console.environment().get("OPENAI_API_KEY") : key;
    }

    /** Each line of the input is one message of one conversation. */
    int chat() throws IOException, InterruptedException {
        ObjectNode body = body();
        ArrayNode messages = body.putArray("messages");
        String system = arguments.text("system-prompt", ValueCheck.text());
        if (system != null) {
            messages.addObject().put("role", "system").put("content", system);
        }
        String quick = arguments.text("quick", ValueCheck.text());
        if (quick != null) {
            turn(body, messages, quick);
            return 0;
        }
        BufferedReader lines = new BufferedReader(new InputStreamReader(console.in(), StandardCharsets.UTF_8));
        for (String line = nextLine(lines); line != null; line = nextLine(lines)) {
            if (!line.isBlank()) {
                turn(body, messages, line);
            }
        }
        return 0;
    }

    int complete() throws IOException, InterruptedException {
        ObjectNode body = body();
        String prompt = arguments.positional();
        if (prompt == null) {
            prompt = new String(console.in().readAllBytes(), StandardCharsets.UTF_8);
        }
        if (prompt.isEmpty()) {
            throw new UsageException("quire complete needs a prompt, as an argument or as input");
        }
        body.put("prompt", prompt);
        server.stream(
                "/v1/completions",
                body,
                chunk -> say(chunk.at("/choices/0/text").asText("")));
        console.out().println();
        return 0;
    }

    private void turn(ObjectNode body, ArrayNode messages, String text) throws IOException, InterruptedException {
        messages.addObject().put("role", "user").put("content", text);
        StringBuilder answer = new StringBuilder();
        server.stream("/v1/chat/completions", body, chunk -> {
            String piece = chunk.at("/choices/0/delta/content").asText("");
            answer.append(piece);
            say(piece);
        });
        console.out().println();
        messages.addObject().put("role", "assistant").put("content", answer.toString());
    }

    private void say(String piece) {
        console.out().print(piece);
        console.out().flush();
    }

    private @Nullable String nextLine(BufferedReader lines) throws IOException {
        if (console.inputTerminal()) {
            say("> ");
        }
        return lines.readLine();
    }

    private ObjectNode body() throws IOException, InterruptedException {
        ObjectNode body = server.object();
        String model = arguments.text("model", ValueCheck.text());
        body.put("model", model == null ? server.firstModel() : model);
        body.put("stream", true);
        String maxTokens = arguments.text("max-tokens", ValueCheck.integer(1, Integer.MAX_VALUE));
        if (maxTokens != null) {
            body.put("max_tokens", Integer.parseInt(maxTokens));
        }
        String temperature = arguments.text("temperature", ValueCheck.decimal(0, 2));
        if (temperature != null) {
            body.put("temperature", Double.parseDouble(temperature));
        }
        return body;
    }
}
