package dev.quire.server.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.nullValue;

import dev.quire.server.ScriptedServer;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

@QuarkusTest
@TestProfile(ScriptedServer.class)
class ChatTest extends ServerTest {
    private static final String TOOLS =
            "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"parameters\":{}}}]";
    private static final String CALLS = "Wait.<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":\"Oslo\"}}"
            + "</tool_call>\\n<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":\"Rome\"}}</tool_call>";

    private String prompt() {
        byte[] bytes = new byte[engine.last().prompt().length()];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) engine.last().prompt().get(i);
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static String chat(String content, String more) {
        return "{\"model\":\"org/tiny\",\"messages\":[{\"role\":\"user\",\"content\":" + content + "}]" + more + "}";
    }

    @Test
    void answersWithEveryFieldOfTheApi() {
        engine.answer("Paris");
        String body = post(CHAT, chat("\"Capital?\"", ""))
                .statusCode(200)
                .body("id", matchesPattern("chatcmpl-[0-9a-f]{32}"))
                .extract()
                .asString();
        assertThat(body.replaceAll("chatcmpl-[0-9a-f]{32}", "ID").replaceAll("\"created\":\\d+", "\"created\":1"))
                .isEqualTo(
                        "{\"id\":\"ID\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"tiny\",\"choices\":["
                                + "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Paris\",\"refusal\":null,"
                                + "\"annotations\":null,\"audio\":null,\"function_call\":null,\"reasoning\":null},"
                                + "\"logprobs\":null,\"finish_reason\":\"stop\",\"stop_reason\":null,\"token_ids\":null}],"
                                + "\"service_tier\":null,\"system_fingerprint\":null,\"usage\":{\"prompt_tokens\":26,"
                                + "\"total_tokens\":32,\"completion_tokens\":6,"
                                + "\"prompt_tokens_details\":{\"cached_tokens\":2}},\"prompt_logprobs\":null,"
                                + "\"prompt_token_ids\":null,\"kv_transfer_params\":null}");
        assertThat(prompt()).isEqualTo("user: Capital?\nassistant: ");
        assertThat(engine.last().params().maxTokens()).isEqualTo(ScriptedServer.MAX_MODEL_LEN - 26);
    }

    @Test
    void joinsTextParts() {
        post(CHAT, chat("[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]", ""))
                .statusCode(200);
        assertThat(prompt()).isEqualTo("user: a\nb\nassistant: ");
    }

    @Test
    void continuesTheFinalMessageAndEchoesIt() {
        engine.answer(" world");
        String json = "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},"
                + "{\"role\":\"assistant\",\"content\":\"Hello\"}],\"add_generation_prompt\":false,"
                + "\"continue_final_message\":true,\"echo\":true}";
        post(CHAT, json).statusCode(200).body("choices[0].message.content", equalTo("Hello world"));
        assertThat(prompt()).isEqualTo("user: hi\nassistant: Hello");
    }

    @Test
    void findsToolCalls() {
        engine.answer(CALLS.replace("\\n", "\n"));
        post(CHAT, chat("\"w\"", "," + TOOLS))
                .statusCode(200)
                .body("choices[0].finish_reason", equalTo("tool_calls"))
                .body("choices[0].message.content", equalTo("Wait."))
                .body("choices[0].message.tool_calls", hasSize(2))
                .body("choices[0].message.tool_calls[0].id", matchesPattern("chatcmpl-tool-[0-9a-f]{32}"))
                .body("choices[0].message.tool_calls[0].type", equalTo("function"))
                .body("choices[0].message.tool_calls[0].function.name", equalTo("weather"))
                .body(
                        "choices[0].message.tool_calls.function.arguments",
                        contains("{\"city\":\"Oslo\"}", "{\"city\":\"Rome\"}"));
        assertThat(prompt()).startsWith("[1 tools]");
        post(CHAT, chat("\"w\"", ",\"parallel_tool_calls\":false," + TOOLS))
                .body("choices[0].message.tool_calls", hasSize(1));
        post(CHAT, chat("\"w\"", ",\"tool_choice\":\"none\"," + TOOLS))
                .body("choices[0].finish_reason", equalTo("stop"))
                .body("choices[0].message.tool_calls", nullValue());
    }

    @Test
    void logprobsWithBytesAndAlternatives() {
        engine.answer("é");
        post(CHAT, chat("\"x\"", ",\"logprobs\":true,\"top_logprobs\":2"))
                .statusCode(200)
                .body("choices[0].message.content", equalTo("é"))
                .body("choices[0].logprobs.content", hasSize(3))
                .body("choices[0].logprobs.content[0].bytes", contains(0xC3))
                .body("choices[0].logprobs.content[0].logprob", equalTo(-0.5f))
                .body("choices[0].logprobs.content[0].top_logprobs", hasSize(2))
                .body("choices[0].logprobs.content[2].token", equalTo("<eos>"))
                .body("choices[0].logprobs.content[2].top_logprobs[1].bytes", hasSize(6));
        post(CHAT, chat("\"x\"", ",\"logprobs\":true")).body("choices[0].logprobs.content[0].top_logprobs", hasSize(0));
    }

    @Test
    void severalChoices() {
        engine.answer("ok");
        post(CHAT, chat("\"x\"", ",\"n\":3,\"max_completion_tokens\":1"))
                .body("choices.index", contains(0, 1, 2))
                .body("choices.message.content", contains("o", "o", "o"))
                .body("choices.finish_reason", contains("length", "length", "length"));
    }
}
