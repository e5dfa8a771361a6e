package dev.quire.server.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.nullValue;

import dev.quire.frontend.ByteTokenizer;
import dev.quire.request.TokenIds;
import dev.quire.server.ScriptedServer;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import org.junit.jupiter.api.Test;

@QuarkusTest
@TestProfile(ScriptedServer.class)
class CompletionsTest extends ServerTest {
    @Test
    void answersWithEveryFieldOfTheApi() {
        String body = post(COMPLETIONS, "{\"model\":\"tiny\",\"prompt\":\"héllo\",\"max_tokens\":50}")
                .statusCode(200)
                .contentType("application/json")
                .body("id", matchesPattern("cmpl-[0-9a-f]{32}"))
                .extract()
                .asString();
        assertThat(body.replaceAll("cmpl-[0-9a-f]{32}", "ID").replaceAll("\"created\":\\d+", "\"created\":1"))
                .isEqualTo(
                        "{\"id\":\"ID\",\"object\":\"text_completion\",\"created\":1,\"model\":\"tiny\",\"choices\":["
                                + "{\"index\":0,\"text\":\"héllo\",\"logprobs\":null,\"finish_reason\":\"stop\","
                                + "\"stop_reason\":null,\"token_ids\":null,\"prompt_logprobs\":null,"
                                + "\"prompt_token_ids\":null}],\"service_tier\":null,\"system_fingerprint\":null,"
                                + "\"usage\":{\"prompt_tokens\":7,\"total_tokens\":14,\"completion_tokens\":7,"
                                + "\"prompt_tokens_details\":{\"cached_tokens\":2}},\"kv_transfer_params\":null}");
        assertThat(engine.last().prompt().get(0)).isEqualTo(ByteTokenizer.BOS);
    }

    @Test
    void sixteenTokensAreTheDefaultAndNullIsTheContext() {
        String prompt = "0123456789abcdefghij";
        post(COMPLETIONS, "{\"prompt\":\"" + prompt + "\",\"suffix\":\"ignored\",\"user\":\"u\",\"unknown\":{}}")
                .statusCode(200)
                .body("choices[0].text", equalTo("0123456789abcdef"))
                .body("choices[0].finish_reason", equalTo("length"));
        assertThat(engine.last().params().maxTokens()).isEqualTo(16);
        post(COMPLETIONS, "{\"prompt\":\"" + prompt + "\",\"max_tokens\":null}")
                .body("choices[0].text", equalTo(prompt));
        assertThat(engine.last().params().maxTokens()).isEqualTo(ScriptedServer.MAX_MODEL_LEN - 21);
    }

    @Test
    void takesListsOfTextsAndOfIdsWithSeveralChoices() {
        post(COMPLETIONS, "{\"prompt\":[\"one\",\"two\"],\"n\":2}")
                .statusCode(200)
                .body("choices.index", contains(0, 1, 2, 3))
                .body("choices.text", contains("one", "one", "two", "two"))
                .body("usage.prompt_tokens", equalTo(8))
                .body("usage.completion_tokens", equalTo(16));
        post(COMPLETIONS, "{\"prompt\":[104,105]}").body("choices.text", contains("hi"));
        assertThat(engine.last().prompt()).isEqualTo(TokenIds.of(104, 105));
        post(COMPLETIONS, "{\"prompt\":[[104,105],[111,107]],\"echo\":true}")
                .body("choices.text", contains("hihi", "okok"));
    }

    @Test
    void echoesThePromptEvenAlone() {
        post(COMPLETIONS, "{\"prompt\":\"abc\",\"echo\":true,\"max_tokens\":0}")
                .statusCode(200)
                .body("choices[0].text", equalTo("abc"))
                .body("choices[0].finish_reason", equalTo("length"))
                .body("usage.completion_tokens", equalTo(0));
    }

    @Test
    void stopStringsCutTheTextAndTellTheEngine() {
        engine.answer("one two three");
        post(COMPLETIONS, "{\"prompt\":\"x\",\"stop\":\" t\",\"max_tokens\":100}")
                .statusCode(200)
                .body("choices[0].text", equalTo("one"))
                .body("choices[0].finish_reason", equalTo("stop"))
                .body("choices[0].stop_reason", equalTo(" t"))
                .body("usage.completion_tokens", equalTo(5));
        post(COMPLETIONS, "{\"prompt\":\"x\",\"stop_token_ids\":[119],\"max_tokens\":100}")
                .body("choices[0].text", equalTo("one t"))
                .body("choices[0].stop_reason", equalTo(119));
    }

    @Test
    void logprobsInFourParallelLists() {
        engine.answer("ab");
        post(COMPLETIONS, "{\"prompt\":\"xy\",\"logprobs\":2,\"add_special_tokens\":false,\"echo\":true}")
                .statusCode(200)
                .body("choices[0].text", equalTo("xyab"))
                .body("choices[0].logprobs.tokens", contains("x", "y", "a", "b", "<eos>"))
                .body("choices[0].logprobs.text_offset", contains(0, 1, 2, 3, 4))
                .body("choices[0].logprobs.token_logprobs[0]", nullValue())
                .body("choices[0].logprobs.token_logprobs[2]", equalTo(-0.5f))
                .body("choices[0].logprobs.top_logprobs[0]", nullValue())
                .body("choices[0].logprobs.top_logprobs[1].z", equalTo(-1.5f))
                .body("choices[0].logprobs.top_logprobs[2].a", equalTo(-0.5f))
                .body("choices[0].prompt_logprobs", hasSize(2))
                .body("choices[0].prompt_logprobs[0]", nullValue())
                .body("choices[0].prompt_logprobs[1].'121'.rank", equalTo(1))
                .body("choices[0].prompt_logprobs[1].'122'.decoded_token", equalTo("z"));
        post(COMPLETIONS, "{\"prompt\":\"xy\",\"logprobs\":0,\"return_tokens_as_token_ids\":true}")
                .body("choices[0].logprobs.tokens", contains("token_id:97", "token_id:98", "token_id:257"));
    }

    @Test
    void returnsTokenIdsWhenAsked() {
        post(COMPLETIONS, "{\"prompt\":[104,105],\"return_token_ids\":true}")
                .body("choices[0].token_ids", contains(104, 105, ByteTokenizer.EOS))
                .body("choices[0].prompt_token_ids", contains(104, 105));
    }

    @Test
    void takesIdAndPriorityFromHeaders() {
        withKey()
                .header("X-Request-Id", "my-1")
                .header("X-Vllm-Priority", "-3")
                .contentType("application/json; charset=utf-8")
                .body("{\"prompt\":\"a\",\"priority\":5}")
                .post(COMPLETIONS)
                .then()
                .body("id", equalTo("cmpl-my-1"));
        assertThat(engine.last().id()).isEqualTo("cmpl-my-1");
        assertThat(engine.last().priority()).isEqualTo(-3);
    }

    @Test
    void tokenizesLongPromptsOnAWorkerWithTheSameResult() {
        String prompt = "long ".repeat(300);
        post(COMPLETIONS, "{\"prompt\":\"" + prompt + "\",\"max_tokens\":null,\"pad\":\"" + "p".repeat(5000) + "\"}")
                .statusCode(200)
                .body("choices[0].finish_reason", equalTo("length"))
                .body("choices[0].text", equalTo(prompt.substring(0, ScriptedServer.MAX_MODEL_LEN - 1501)));
    }
}
