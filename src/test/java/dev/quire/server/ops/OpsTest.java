package dev.quire.server.ops;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.matchesPattern;

import dev.quire.engine.EngineClient;
import dev.quire.server.ScriptedEngine;
import dev.quire.server.ScriptedServer;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.specification.RequestSpecification;
import jakarta.inject.Inject;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@TestProfile(ScriptedServer.class)
class OpsTest {
    @Inject
    ScriptedEngine engine;

    @BeforeEach
    void reset() {
        engine.reset();
    }

    private static RequestSpecification withKey() {
        return given().header("Authorization", "Bearer " + ScriptedServer.KEY).contentType("application/json");
    }

    @Test
    void healthFollowsTheEngine() {
        for (String path : List.of("/health", "/ping")) {
            engine.state(EngineClient.State.READY);
            given().get(path).then().statusCode(200).body(equalTo(""));
            for (EngineClient.State state : EngineClient.State.values()) {
                engine.state(state);
                given().get(path).then().statusCode(state == EngineClient.State.READY ? 200 : 503);
            }
        }
        engine.state(EngineClient.State.READY);
        given().post("/ping").then().statusCode(200);
        given().get("/version").then().body("version", matchesPattern("\\d+\\.\\d+\\.\\d+.*"));
    }

    @Test
    void keysGuardEverythingButOperations() {
        given().get("/metrics").then().statusCode(200);
        for (String path : List.of("/v1/models", "/tokenize", "/q/anything", "/nowhere")) {
            given().get(path)
                    .then()
                    .statusCode(401)
                    .header("WWW-Authenticate", "Bearer")
                    .body("error.type", equalTo("AuthenticationError"))
                    .body("error.code", equalTo(401));
        }
        given().header("Authorization", "Bearer secret-3")
                .get("/v1/models")
                .then()
                .statusCode(401);
        given().header("Authorization", "Basic secret-1")
                .get("/v1/models")
                .then()
                .statusCode(401);
        given().header("Authorization", "bearer secret-2")
                .get("/v1/models")
                .then()
                .statusCode(200);
        given().header("x-api-key", "secret-1").get("/v1/models").then().statusCode(200);
        given().contentType("application/grpc")
                .post("/inference.GRPCInferenceService/ServerLive")
                .then()
                .statusCode(200)
                .header("grpc-status", "16");
    }

    @Test
    void modelsUnderEveryName() {
        withKey()
                .get("/v1/models")
                .then()
                .statusCode(200)
                .body("object", equalTo("list"))
                .body("data.id", contains("tiny", "org/tiny"))
                .body("data[0].root", equalTo("/models/tiny"))
                .body("data[0].max_model_len", equalTo(ScriptedServer.MAX_MODEL_LEN))
                .body("data[0].created", equalTo(1_700_000_000));
        withKey().get("/v1/models/org/tiny").then().statusCode(200).body("id", equalTo("org/tiny"));
        withKey().get("/v1/models/none").then().statusCode(404).body("error.type", equalTo("NotFoundError"));
    }

    @Test
    void frameworkErrorsHaveTheApisForm() {
        withKey()
                .get("/nowhere")
                .then()
                .statusCode(404)
                .body("error.type", equalTo("Not Found"))
                .body("error.code", equalTo(404));
        withKey()
                .get("/v1/completions")
                .then()
                .statusCode(405)
                .body("error.type", equalTo("Method Not Allowed"))
                .body("error.code", equalTo(405));
        withKey()
                .body("{\"prompt\":\"" + "x".repeat(ScriptedServer.MAX_BODY_BYTES) + "\"}")
                .post("/v1/completions")
                .then()
                .statusCode(413)
                .body("error.code", equalTo(413))
                .body("error.message", containsString("262144 bytes"));
    }

    @Test
    void tokenizesTextsAndConversationsAndBack() {
        withKey()
                .body("{\"prompt\":\"hé\",\"return_token_strs\":true}")
                .post("/tokenize")
                .then()
                .statusCode(200)
                .body("count", equalTo(4))
                .body("max_model_len", equalTo(ScriptedServer.MAX_MODEL_LEN))
                .body("tokens", contains(256, 104, 0xC3, 0xA9))
                .body("token_strs[0]", equalTo("<bos>"));
        withKey()
                .body("{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"add_generation_prompt\":false}")
                .post("/tokenize")
                .then()
                .body("count", equalTo("user: hi\n".length()));
        withKey()
                .body("{\"tokens\":[256,104,195,169]}")
                .post("/detokenize")
                .then()
                .statusCode(200)
                .body("prompt", equalTo("<bos>hé"));
        withKey().body("{\"tokens\":[300]}").post("/detokenize").then().statusCode(400);
        withKey().body("{}").post("/detokenize").then().statusCode(400).body("error.param", equalTo("body.tokens"));
        withKey().body("{}").post("/tokenize").then().statusCode(400).body("error.param", equalTo("body.prompt"));
    }

    private static double sample(String metrics, String series) {
        return metrics.lines()
                .filter(line -> line.startsWith(series + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError(series + " is missing"));
    }

    @Test
    void metricsHaveTheirNamesLabelsAndCounts() {
        String labels = "{model_name=\"tiny\",engine=\"0\"";
        String before = given().get("/metrics").then().extract().asString();
        withKey()
                .body("{\"prompt\":\"abc\",\"n\":2}")
                .post("/v1/completions")
                .then()
                .statusCode(200);
        var response = given().get("/metrics").then().statusCode(200);
        assertThat(response.extract().header("Content-Type")).isEqualTo("text/plain; version=0.0.4; charset=utf-8");
        String metrics = response.extract().asString();
        assertThat(sample(metrics, "vllm:num_requests_running" + labels + "}")).isEqualTo(3);
        assertThat(sample(metrics, "vllm:num_requests_waiting" + labels + "}")).isEqualTo(4);
        assertThat(sample(metrics, "vllm:kv_cache_usage_perc" + labels + "}")).isEqualTo(0.25);
        assertThat(sample(metrics, "quire:kv_internal_waste" + labels + "}")).isEqualTo(0.03);
        assertThat(sample(metrics, "vllm:num_preemptions_total" + labels + "}")).isEqualTo(5);
        assertThat(sample(metrics, "vllm:prompt_tokens_total" + labels + "}")).isEqualTo(60);
        assertThat(sample(metrics, "vllm:generation_tokens_total" + labels + "}"))
                .isEqualTo(700);
        assertThat(sample(metrics, "vllm:prefix_cache_queries_total" + labels + "}"))
                .isEqualTo(80);
        assertThat(sample(metrics, "vllm:prefix_cache_hits_total" + labels + "}"))
                .isEqualTo(9);
        for (String reason : List.of("stop", "length", "abort", "error", "repetition")) {
            sample(metrics, "vllm:request_success_total" + labels + ",finished_reason=\"" + reason + "\"}");
        }
        assertThat(metrics)
                .contains("# TYPE vllm:num_preemptions_total counter\n")
                .contains("# TYPE vllm:iteration_tokens_total histogram\n")
                .contains("vllm:iteration_tokens_total_bucket" + labels + ",le=\"16384.0\"} 0.0\n")
                .contains("block_size=\"16\"")
                .contains("num_gpu_blocks=\"100\"")
                .contains("jvm_memory_used_bytes");
        assertThat(added(before, metrics, "vllm:time_to_first_token_seconds_count" + labels + "}"))
                .isEqualTo(2);
        assertThat(added(before, metrics, "vllm:inter_token_latency_seconds_count" + labels + "}"))
                .isEqualTo(6);
        assertThat(added(before, metrics, "vllm:e2e_request_latency_seconds_count" + labels + "}"))
                .isEqualTo(2);
        assertThat(added(before, metrics, "vllm:request_generation_tokens_sum" + labels + "}"))
                .isEqualTo(8);
        assertThat(added(before, metrics, "vllm:request_params_n_bucket" + labels + ",le=\"2.0\"}"))
                .isEqualTo(1);
        assertThat(added(before, metrics, "vllm:request_params_max_tokens_sum" + labels + "}"))
                .isEqualTo(16);
    }

    private static double added(String before, String after, String series) {
        return sample(after, series) - sample(before, series);
    }
}
