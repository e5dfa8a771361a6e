package dev.quire.server.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.CompletionCreateParams;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The official Java client, the real engine, the embedded model. */
@QuarkusTest
@Timeout(120)
class DemoOpenAiClientTest {
    private static final String QUESTION = "What is the capital of France?";
    private static final String ANSWER = "The capital of France is Paris.";

    @TestHTTPResource
    URI server;

    private OpenAIClient client;

    @BeforeEach
    void ready() throws Exception {
        HttpRequest health = HttpRequest.newBuilder(server.resolve("/health")).build();
        while (HttpClient.newHttpClient()
                        .send(health, BodyHandlers.discarding())
                        .statusCode()
                != 200) {
            Thread.sleep(50);
        }
        client = OpenAIOkHttpClient.builder()
                .baseUrl(server.resolve("/v1").toString())
                .apiKey("none")
                .maxRetries(0)
                .build();
    }

    private static ChatCompletionCreateParams.Builder chat() {
        return ChatCompletionCreateParams.builder()
                .model("quire-demo")
                .temperature(0)
                .addUserMessage(QUESTION);
    }

    @Test
    void completes() {
        ChatCompletion answer = client.chat().completions().create(chat().build());
        assertThat(answer.choices().get(0).message().content()).contains(ANSWER);
        assertThat(answer.choices().get(0).finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.STOP);
        assertThat(answer.usage().orElseThrow().completionTokens()).isEqualTo(10);
        CompletionCreateParams prompt = CompletionCreateParams.builder()
                .model("quire-demo")
                .prompt("Once upon a time")
                .temperature(0)
                .maxTokens(12)
                .build();
        assertThat(client.completions().create(prompt).choices().get(0).text()).startsWith(", a merry girl");
        assertThat(client.models().list().data().get(0).id()).isEqualTo("quire-demo");
    }

    @Test
    void streams() {
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
        assertThat(text).hasToString(ANSWER);
        assertThat(numTokens[0]).isEqualTo(10);
    }

    @Test
    void getsTypedErrors() {
        assertThatThrownBy(() ->
                        client.chat().completions().create(chat().temperature(9).build()))
                .isInstanceOf(BadRequestException.class)
                .hasMessageContaining("temperature");
        assertThatThrownBy(() ->
                        client.chat().completions().create(chat().model("other").build()))
                .isInstanceOf(NotFoundException.class)
                .hasMessageContaining("other");
    }
}
