package dev.quire.server.openai;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.server.ScriptedEngine;
import dev.quire.server.ScriptedServer;
import io.quarkus.test.common.http.TestHTTPResource;
import io.restassured.response.ValidatableResponse;
import io.restassured.specification.RequestSpecification;
import jakarta.inject.Inject;
import java.net.URI;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;

/** What all tests over the scripted engine share. */
abstract class ServerTest {
    static final String COMPLETIONS = "/v1/completions";
    static final String CHAT = "/v1/chat/completions";

    @Inject
    ScriptedEngine engine;

    @TestHTTPResource("/")
    URI server;

    @BeforeEach
    void resetEngine() {
        engine.reset();
    }

    static RequestSpecification withKey() {
        return given().header("Authorization", "Bearer " + ScriptedServer.KEY);
    }

    static ValidatableResponse post(String path, String json) {
        return withKey().contentType("application/json").body(json).post(path).then();
    }

    static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (!condition.getAsBoolean() && System.nanoTime() < deadline) {
            Thread.sleep(5);
        }
        assertThat(condition.getAsBoolean()).as(what).isTrue();
    }
}
