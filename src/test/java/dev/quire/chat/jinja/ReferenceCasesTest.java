package dev.quire.chat.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;

/**
 * Small templates over every statement, filter, test, method and error, against what the reference makes of them.
 *
 * <p>make_cases.py beside cases.json writes the expectations.
 */
class ReferenceCasesTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void everyCaseEqualsTheReference() throws IOException {
        JsonNode file;
        try (InputStream in = getClass().getResourceAsStream("cases.json")) {
            file = JSON.readTree(in);
        }
        Map<?, ?> variables = JSON.convertValue(file.get("variables"), Map.class);
        List<JsonNode> cases = new ArrayList<>();
        file.get("cases").forEach(cases::add);
        assertThat(cases).hasSizeGreaterThan(3000);
        SoftAssertions softly = new SoftAssertions();
        for (JsonNode one : cases) {
            String template = one.get("template").asText();
            softly.assertThat(outcome(template, variables, one)).as(template).isEqualTo(expected(one));
        }
        softly.assertAll();
    }

    private static String expected(JsonNode one) {
        if (one.has("output")) {
            return one.get("output").asText();
        }
        // A null error fails inside of Python itself; any failure is right.
        return one.get("error").isNull()
                ? "error"
                : one.get("error").asText() + ": " + one.path("message").asText();
    }

    @SuppressWarnings("unchecked")
    private static String outcome(String template, Map<?, ?> variables, JsonNode one) {
        try {
            return Template.compile(template).render((Map<String, ?>) variables, Limits.defaults(), Clock.systemUTC());
        } catch (TemplateException e) {
            if (one.path("error").isNull()) {
                return "error";
            }
            return e.kind().pythonName() + ": " + (one.has("message") ? e.getMessage() : "");
        }
    }
}
