package dev.quire.client;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Reads server-sent events (HTML Living Standard, "Interpreting an event stream") and gives their data. Event names,
 * ids and comments are skipped: the OpenAI API uses none.
 */
public final class SseReader implements AutoCloseable {
    private static final char BYTE_ORDER_MARK = '\uFEFF';

    private final BufferedReader reader;
    private boolean atStart = true;

    public SseReader(InputStream body) {
        reader = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
    }

    /** Data of the next event, its lines joined by newlines; null at the end. An unfinished last event is dropped. */
    public @Nullable String next() throws IOException {
        StringBuilder data = null;
        for (String line = line(); line != null; line = line()) {
            if (line.isEmpty()) {
                if (data != null) {
                    return data.toString();
                }
            } else if (line.equals("data") || line.startsWith("data:")) {
                if (data == null) {
                    data = new StringBuilder();
                } else {
                    data.append('\n');
                }
                data.append(value(line));
            }
        }
        return null;
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }

    private @Nullable String line() throws IOException {
        String line = reader.readLine();
        if (atStart && line != null) {
            atStart = false;
            return !line.isEmpty() && line.charAt(0) == BYTE_ORDER_MARK ? line.substring(1) : line;
        }
        return line;
    }

    private static String value(String line) {
        if (line.length() <= 5) {
            return "";
        }
        return line.substring(line.charAt(5) == ' ' ? 6 : 5);
    }
}
