package dev.quire.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.quire.frontend.InvalidRequest;
import java.util.ArrayList;
import java.util.List;

/** What is wrong with a body's shape, reported all at once and in the words of the API's original. */
final class SchemaProblems {
    private static final int MAX_PROBLEMS = 20;
    private static final int MAX_INPUT_SHOWN = 100;

    private final List<String> lines = new ArrayList<>();
    private String firstLocation = "";

    /** @param location dotted path such as {@code body.stop.0} */
    void add(String type, String location, String message) {
        if (lines.isEmpty()) {
            firstLocation = location;
        }
        if (lines.size() < MAX_PROBLEMS) {
            lines.add("{'type': '" + type + "', 'loc': '" + location + "', 'msg': '" + message + "'}");
        }
    }

    /** The same, with the beginning of what was found. */
    void add(String type, String location, String message, JsonNode input) {
        String shown = input.toString();
        String cut = shown.length() > MAX_INPUT_SHOWN ? shown.substring(0, MAX_INPUT_SHOWN) + "…" : shown;
        add(type, location, message + ", input: " + cut);
    }

    /** Throws when there is a problem. */
    void check() {
        if (!lines.isEmpty()) {
            throw error();
        }
    }

    /** All problems as one, naming the first field. */
    InvalidRequest error() {
        String count = lines.size() + (lines.size() == 1 ? " validation error:" : " validation errors:");
        return InvalidRequest.badSchema(firstLocation, count + "\n  " + String.join("\n  ", lines));
    }
}
