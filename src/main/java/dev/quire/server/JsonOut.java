package dev.quire.server;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** JSON written by hand into one growing buffer: the caller owns the commas and braces, this class the quoting. */
public final class JsonOut {
    private static final byte[] NULL = "null".getBytes(StandardCharsets.US_ASCII);
    private static final byte QUOTE = '"';
    private static final JsonStringEncoder ENCODER = JsonStringEncoder.getInstance();

    private final Buffer buffer;

    public JsonOut(int initialSize) {
        buffer = Buffer.buffer(initialSize);
    }

    /** JSON text as it is. */
    public JsonOut raw(String json) {
        buffer.appendString(json);
        return this;
    }

    /** JSON text in UTF-8 as it is. */
    public JsonOut raw(byte[] json) {
        buffer.appendBytes(json);
        return this;
    }

    /** A JSON string, or null. */
    public JsonOut string(@Nullable String value) {
        if (value == null) {
            buffer.appendBytes(NULL);
            return this;
        }
        buffer.appendByte(QUOTE);
        buffer.appendBytes(escaped(value));
        buffer.appendByte(QUOTE);
        return this;
    }

    public JsonOut number(long value) {
        buffer.appendString(Long.toString(value));
        return this;
    }

    /** A finite number. */
    public JsonOut number(float value) {
        buffer.appendString(Float.toString(value));
        return this;
    }

    public boolean isEmpty() {
        return buffer.length() == 0;
    }

    public Buffer buffer() {
        return buffer;
    }

    private static byte[] escaped(String value) {
        try {
            return ENCODER.quoteAsUTF8(value);
        } catch (IllegalArgumentException e) {
            // Half a surrogate pair, which only a sender's \ud800 can bring in: it becomes a question mark.
            byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
            return ENCODER.quoteAsUTF8(new String(utf8, StandardCharsets.UTF_8));
        }
    }

    @Override
    public String toString() {
        return buffer.toString(StandardCharsets.UTF_8);
    }
}
