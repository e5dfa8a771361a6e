package dev.quire.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SseReaderTest {
    private static List<String> events(String body) throws IOException {
        return events(new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8)));
    }

    private static List<String> events(InputStream body) throws IOException {
        List<String> events = new ArrayList<>();
        try (SseReader reader = new SseReader(body)) {
            for (String data = reader.next(); data != null; data = reader.next()) {
                events.add(data);
            }
        }
        return events;
    }

    @Test
    void givesTheDataOfEachEvent() throws IOException {
        assertThat(events("data: {\"a\":1}\n\ndata: [DONE]\n\n")).containsExactly("{\"a\":1}", "[DONE]");
    }

    @Test
    void takesEveryLineEnding() throws IOException {
        assertThat(events("data: a\r\n\r\ndata: b\r\rdata: c\n\n")).containsExactly("a", "b", "c");
    }

    @Test
    void joinsSeveralDataLinesAndSkipsTheRest() throws IOException {
        assertThat(events(": comment\nevent: x\nid: 1\ndata: a\ndata:b\ndata\ndata:  c\n\n\n\nretry: 5\n\n"))
                .containsExactly("a\nb\n\n c");
    }

    @Test
    void dropsAnEventThatNeverEnded() throws IOException {
        assertThat(events("data: a\n\ndata: half")).containsExactly("a");
        assertThat(events("")).isEmpty();
    }

    @Test
    void skipsAByteOrderMark() throws IOException {
        assertThat(events("\uFEFFdata: a\n\n")).containsExactly("a");
    }

    /** Network packets end anywhere, also inside a character. */
    @Test
    void readsByteByByte() throws IOException {
        byte[] body = "data: Grüße 🦉\n\ndata: b\n\n".getBytes(StandardCharsets.UTF_8);
        InputStream dripping = new InputStream() {
            private int next;

            @Override
            public int read() {
                return next < body.length ? body[next++] & 0xff : -1;
            }

            @Override
            public int read(byte[] target, int offset, int length) {
                int one = read();
                if (one < 0) {
                    return -1;
                }
                target[offset] = (byte) one;
                return 1;
            }
        };
        assertThat(events(dripping)).containsExactly("Grüße 🦉", "b");
    }
}
