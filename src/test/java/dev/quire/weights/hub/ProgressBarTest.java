package dev.quire.weights.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressBarTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final AtomicLong nanos = new AtomicLong();

    private String run(boolean terminal) {
        ProgressBar bar = new ProgressBar(new PrintStream(out, true, StandardCharsets.UTF_8), terminal, nanos::get);
        bar.started("a/b", 2, 400_000_000);
        for (int second = 1; second <= 10; second++) {
            nanos.set(second * 1_000_000_000L);
            bar.update("x", 100_000_000 + second * 10_000_000L, 300_000_000);
            bar.update("y", second * 5_000_000L, 100_000_000);
        }
        bar.note("a note");
        bar.finished();
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void writesALineEveryFewSecondsToALog() {
        assertThat(run(false).lines())
                .containsExactly(
                        "Downloading a/b: 2 files, 400.0 MB",
                        "a/b: 42% of 400.0 MB, 11.0 MB/s, 0:20 left",
                        "a/b: 61% of 400.0 MB, 13.0 MB/s, 0:11 left",
                        "a note",
                        "a/b: 250.0 MB in 10.0 s");
    }

    @Test
    void repaintsABarOnATerminal() {
        String painted = run(true);
        assertThat(painted.split("\r")).hasSizeGreaterThan(10);
        assertThat(painted).contains("\r\u001b[K[##########              ] a/b: 42% of 400.0 MB");
    }

    @Test
    void managesWithoutKnownSizes() {
        ProgressBar bar = new ProgressBar(new PrintStream(out, true, StandardCharsets.UTF_8), false, nanos::get);
        bar.started("a/b", 1, 0);
        bar.update("x", 0, -1);
        nanos.set(6_000_000_000L);
        bar.update("x", 3_000_000, -1);
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("a/b: 3.0 MB, 500.0 kB/s");
    }
}
