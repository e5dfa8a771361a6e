package dev.quire.bench;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Figures with names, in order: a table for people, JSON for machines. */
public final class Report {
    private final String title;
    private final Map<String, Object> values = new LinkedHashMap<>();
    private final Map<String, String> labels = new LinkedHashMap<>();

    public Report(String title) {
        this.title = title;
    }

    /** A figure; {@code name} is its JSON key. */
    public Report add(String name, String label, Object value) {
        values.put(name, value);
        labels.put(name, label);
        return this;
    }

    /** Mean, median and p99 of a latency. */
    public Report addMillis(String name, String label, Distribution distribution) {
        add("mean_" + name + "_ms", "Mean " + label + " (ms)", distribution.mean());
        add("median_" + name + "_ms", "Median " + label + " (ms)", distribution.median());
        return add("p99_" + name + "_ms", "P99 " + label + " (ms)", distribution.percentile(99));
    }

    public Object value(String name) {
        Object value = values.get(name);
        if (value == null) {
            throw new IllegalArgumentException("no figure " + name);
        }
        return value;
    }

    public void print(PrintStream out) {
        int width = labels.values().stream().mapToInt(String::length).max().orElse(0) + 2;
        out.println(title);
        labels.forEach((name, label) -> out.println("  " + label + " ".repeat(width - label.length()) + text(name)));
    }

    public void write(Path file) throws IOException {
        ObjectMapper json = new ObjectMapper();
        try (JsonGenerator out = json.createGenerator(file.toFile(), com.fasterxml.jackson.core.JsonEncoding.UTF8)) {
            out.useDefaultPrettyPrinter();
            out.writeStartObject();
            for (Map.Entry<String, Object> figure : values.entrySet()) {
                out.writeFieldName(figure.getKey());
                json.writeValue(out, figure.getValue());
            }
            out.writeEndObject();
            out.writeRaw('\n');
        }
    }

    private String text(String name) {
        Object value = values.get(name);
        return value instanceof Double number ? String.format(Locale.ROOT, "%.2f", number) : String.valueOf(value);
    }
}
