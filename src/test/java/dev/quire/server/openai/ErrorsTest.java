package dev.quire.server.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import dev.quire.engine.EngineClient;
import dev.quire.server.ScriptedServer;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@QuarkusTest
@TestProfile(ScriptedServer.class)
class ErrorsTest extends ServerTest {
    private static final String MESSAGES = "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]";

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            {"prompt":"a","model":"other"}          | 404 | NotFoundError   | model | The model `other` does not exist.
            {"prompt":"a"                           | 400 | Bad Request     | body | json_invalid
            {"prompt":"a"} x                        | 400 | Bad Request     | body | json_invalid
            []                                      | 400 | Bad Request     | body | 1 validation error:
            {}                                      | 400 | Bad Request     | body.prompt | Field required
            {"prompt":5}                            | 400 | Bad Request     | body.prompt | prompt_type
            {"prompt":["a",true]}                   | 400 | Bad Request     | body.prompt.1 | prompt_type
            {"prompt":[[1,"a"]]}                    | 400 | Bad Request     | body.prompt.0.1 | valid integer
            {"prompt":[]}                           | 400 | BadRequestError | prompt | at least one
            {"prompt":[[]]}                         | 400 | BadRequestError | prompt | empty
            {"prompt":[300]}                        | 400 | BadRequestError | prompt | out of vocabulary
            {"prompt":"a","model":7}                | 400 | Bad Request     | body.model | valid string
            {"prompt":"a","temperature":"hot"}      | 400 | Bad Request     | body.temperature | float_parsing
            {"prompt":"a","temperature":9}          | 400 | BadRequestError | temperature | [0.0, 2.0], got 9.0
            {"prompt":"a","n":1.5}                  | 400 | Bad Request     | body.n | int_from_float
            {"prompt":"a","n":true}                 | 400 | Bad Request     | body.n | int_type
            {"prompt":"a","n":99999999999}          | 400 | Bad Request     | body.n | too large
            {"prompt":"a","stream":"maybe"}         | 400 | Bad Request     | body.stream | bool_type
            {"prompt":"a","stop":5}                 | 400 | Bad Request     | body.stop | list of strings
            {"prompt":"a","stop":["x",5]}           | 400 | Bad Request     | body.stop.1 | valid string
            {"prompt":"a","stop":""}                | 400 | BadRequestError | stop | empty string
            {"prompt":"a","n":"x","top_k":{}}       | 400 | Bad Request     | body.n | 2 validation errors:
            {"prompt":"a","logit_bias":[1]}         | 400 | Bad Request     | body.logit_bias | dictionary
            {"prompt":"a","logit_bias":{"5":"x"}}   | 400 | Bad Request     | body.logit_bias.5 | float_parsing
            {"prompt":"a","max_tokens":0}           | 400 | BadRequestError | max_tokens | at least 1
            {"prompt":"a","logprobs":6}             | 400 | BadRequestError | logprobs | greater than max allowed: 5
            {"prompt":"a","bad_words":["x"]}        | 400 | BadRequestError | bad_words | not supported
            {"prompt":"a","use_beam_search":true}   | 400 | BadRequestError | use_beam_search | not supported
            {"prompt":"a","structured_outputs":{}}  | 400 | BadRequestError | structured_outputs | not supported
            {"prompt":"a","prompt_embeds":"x"}      | 400 | BadRequestError | prompt_embeds | not supported
            {"prompt":"a","response_format":{"type":"json_object"}} | 400 | BadRequestError | response_format | not supported
            {"prompt":"a","stream_options":{}}      | 400 | BadRequestError | stream_options | stream=True
            {"prompt":"a","stream":true,"prompt_logprobs":1} | 400 | BadRequestError | prompt_logprobs | stream=True
            """)
    void completionsThatCannotBeServed(String body, int status, String type, String param, String message) {
        check(COMPLETIONS, body, status, type, param, message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            {}                                      | 400 | Bad Request     | body.messages | Field required
            {"messages":"x"}                        | 400 | Bad Request     | body.messages | valid list
            {"messages":[1]}                        | 400 | Bad Request     | body.messages.0 | dictionary
            {"messages":[]}                         | 400 | BadRequestError | messages | at least one message
            {"messages":[{"content":"x"}]}          | 400 | BadRequestError | messages | messages[0].role
            {"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]} | 400 | BadRequestError | messages | image_url
            {M,"tools":[]}                          | 400 | BadRequestError | tools | at least one tool
            {M,"tool_choice":"auto"}                | 400 | BadRequestError | tool_choice | `tools` must be set
            {M,"tools":[{}],"tool_choice":"required"} | 400 | BadRequestError | tool_choice | not supported
            {M,"tools":[{}],"tool_choice":{"type":"function"}} | 400 | BadRequestError | tool_choice | not supported
            {M,"tool_choice":"maybe"}               | 400 | Bad Request     | body.tool_choice | literal_error
            {M,"top_logprobs":2}                    | 400 | BadRequestError | top_logprobs | must be set to true
            {M,"chat_template":"x"}                 | 400 | BadRequestError | chat_template | not supported
            {M,"continue_final_message":true}       | 400 | BadRequestError | continue_final_message | Cannot set both
            {M,"response_format":{"type":"json_schema"}} | 400 | BadRequestError | response_format | not supported
            {M,"n":2,"temperature":0}               | 400 | BadRequestError | n | greedy
            """)
    void chatsThatCannotBeServed(String body, int status, String type, String param, String message) {
        check(CHAT, body.replace("M", MESSAGES), status, type, param, message);
    }

    private static void check(
            String path, String body, int status, String type, @Nullable String param, String message) {
        post(path, body)
                .statusCode(status)
                .contentType("application/json")
                .body("error.type", equalTo(type))
                .body("error.param", equalTo(param))
                .body("error.code", equalTo(status))
                .body("error.message", containsString(message));
    }

    @Test
    void promptBeyondTheContextNamesBothNumbers() {
        String tooLong = "y".repeat(ScriptedServer.MAX_MODEL_LEN);
        check(
                COMPLETIONS,
                "{\"prompt\":\"" + tooLong + "\"}",
                400,
                "BadRequestError",
                "input_tokens",
                "maximum context length is 2000 tokens. However, your request has 2001 input tokens.");
    }

    @Test
    void onlyJsonIsRead() {
        for (String type : new String[] {"text/plain", "application/x-www-form-urlencoded"}) {
            withKey()
                    .contentType(type)
                    .body("{\"prompt\":\"a\"}")
                    .post(COMPLETIONS)
                    .then()
                    .statusCode(400)
                    .body("error.message", equalTo("Unsupported Media Type: Only 'application/json' is allowed"));
        }
    }

    @Test
    void fullQueueAsksToRetry() {
        engine.admit(EngineClient.Admission.QUEUE_FULL);
        post(COMPLETIONS, "{\"prompt\":\"a\"}")
                .statusCode(429)
                .header("Retry-After", "7")
                .body("error.code", equalTo(429))
                .body("error.type", equalTo("TooManyRequestsError"));
    }

    @Test
    void deadOrStoppingEngineIsUnavailable() {
        engine.admit(EngineClient.Admission.UNAVAILABLE);
        engine.state(EngineClient.State.DRAINING);
        post(CHAT, "{" + MESSAGES + "}").statusCode(503).body("error.message", containsString("shutting down"));
        engine.state(EngineClient.State.DEAD);
        post(CHAT, "{" + MESSAGES + "}").statusCode(503).body("error.message", equalTo("device fault"));
    }

    @Test
    void engineFailureIsAnInternalErrorEvenForAStreamThatHasNotBegun() {
        engine.failAfter(0, "device fault in step 7");
        for (String stream : new String[] {"false", "true"}) {
            check(
                    COMPLETIONS,
                    "{\"prompt\":\"a\",\"stream\":" + stream + "}",
                    500,
                    "InternalServerError",
                    null,
                    "device fault in step 7");
        }
        engine.reset();
        post(COMPLETIONS, "{\"prompt\":\"a\"}").statusCode(200);
    }

    @Test
    void aRefusalReachesNoEngine() {
        post(COMPLETIONS, "{\"prompt\":\"a\",\"top_p\":2}").statusCode(400);
        assertThat(catchThrowable(engine::last)).isNotNull();
    }
}
