package dev.quire.server.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.CompletionCreateParams;
import dev.quire.engine.EngineClient;
import dev.quire.server.ScriptedServer;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The official Java client against the server. */
@QuarkusTest
@TestProfile(ScriptedServer.class)
class OpenAiClientTest extends ServerTest {
    private OpenAIClient client(String key) {
        return OpenAIOkHttpClient.builder()
                .baseUrl(server.resolve("/v1").toString())
                .apiKey(key)
                .maxRetries(0)
                .build();
    }

    private static ChatCompletionCreateParams.Builder chat() {
        return ChatCompletionCreateParams.builder().model("tiny").addUserMessage("Say it.");
    }

    @Test
    void completesAndStreams() {
        engine.answer("Grüße, 😀!");
        OpenAIClient client = client(ScriptedServer.KEY);
        ChatCompletion completion = client.chat().completions().create(chat().build());
        assertThat(completion.choices().get(0).message().content()).contains("Grüße, 😀!");
        assertThat(completion.usage().orElseThrow().completionTokens()).isEqualTo(15);
        assertThat(client.completions()
                        .create(CompletionCreateParams.builder()
                                .model("tiny")
                                .prompt("x")
                                .maxTokens(2)
                                .build())
                        .choices()
                        .get(0)
                        .text())
                .isEqualTo("Gr");

        StringBuilder text = new StringBuilder();
        long[] numTokens = new long[1];
        ChatCompletionCreateParams streaming = chat().streamOptions(
                        ChatCompletionStreamOptions.builder().includeUsage(true).build())
                .build();
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(streaming)) {
            stream.stream().forEach(chunk -> {
                chunk.choices().forEach(choice -> choice.delta().content().ifPresent(text::append));
                chunk.usage().ifPresent(usage -> numTokens[0] = usage.completionTokens());
            });
        }
        assertThat(text).hasToString("Grüße, 😀!");
        assertThat(numTokens[0]).isEqualTo(15);
        assertThat(client.models().list().data())
                .extracting(model -> model.id())
                .isEqualTo(List.of("tiny", "org/tiny"));
    }

    @Test
    void getsTypedErrors() {
        OpenAIClient client = client(ScriptedServer.KEY);
        assertThatThrownBy(() ->
                        client.chat().completions().create(chat().model("none").build()))
                .isInstanceOf(NotFoundException.class)
                .hasMessageContaining("The model `none` does not exist.");
        assertThatThrownBy(() -> client.chat()
                        .completions()
                        .create(chat().temperature(3.0).build()))
                .isInstanceOfSatisfying(
                        BadRequestException.class, e -> assertThat(e.param()).contains("temperature"));
        assertThatThrownBy(() -> client("wrong").chat().completions().create(chat().build()))
                .isInstanceOf(UnauthorizedException.class);
        engine.admit(EngineClient.Admission.QUEUE_FULL);
        assertThatThrownBy(() -> client.chat().completions().create(chat().build()))
                .isInstanceOf(RateLimitException.class);
    }
}
