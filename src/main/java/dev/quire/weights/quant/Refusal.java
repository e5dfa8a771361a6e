package dev.quire.weights.quant;

import dev.quire.weights.CheckpointException;
import dev.quire.weights.ConfigJson;

/** Says no to a quantization in one line: file, key, value found, values supported. */
final class Refusal {
    private Refusal() {}

    static CheckpointException of(ConfigJson json, String key, String found, String supported) {
        return json.error(key, "\"" + found + "\" is not supported; supported: " + supported);
    }

    /** Of a value of any type, as JSON text. */
    static CheckpointException ofJson(ConfigJson json, String key, String supported) {
        return json.error(key, json.text(key) + " is not supported; supported: " + supported);
    }
}
