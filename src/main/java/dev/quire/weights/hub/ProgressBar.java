package dev.quire.weights.hub;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Shows a download: a bar that repaints itself on a terminal, a line every few seconds elsewhere; for any thread. */
public final class ProgressBar implements DownloadProgress {
    private static final long TERMINAL_PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long LOG_PERIOD_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final int BAR_WIDTH = 24;
    private static final String ERASE_LINE = "\r\u001b[K";

    private final PrintStream out;
    private final boolean terminal;
    private final LongSupplier nanoTime;

    private final Map<String, Long> bytesOfFile = new HashMap<>();
    private String model = "";
    private long expectedBytes;
    private long bytes;
    private long resumedBytes;
    private long startNanos;
    private long paintedNanos;

    ProgressBar(PrintStream out, boolean terminal, LongSupplier nanoTime) {
        this.out = out;
        this.terminal = terminal;
        this.nanoTime = nanoTime;
    }

    /** Writes to standard error. */
    public static ProgressBar onStandardError() {
        return new ProgressBar(System.err, isTerminal(), System::nanoTime);
    }

    /** Java tells of standard input and output only; Linux of standard error too. */
    private static boolean isTerminal() {
        Path stderr = Path.of("/proc/self/fd/2");
        try {
            if (Files.isSymbolicLink(stderr)) {
                return Files.readSymbolicLink(stderr).toString().matches("/dev/(pts/|tty|console).*");
            }
        } catch (IOException e) {
            return false;
        }
        return System.console() != null && Runtime.version().feature() < 22;
    }

    @Override
    public synchronized void started(String name, int numFiles, long totalBytes) {
        model = name;
        expectedBytes = totalBytes;
        bytes = 0;
        resumedBytes = 0;
        bytesOfFile.clear();
        startNanos = nanoTime.getAsLong();
        paintedNanos = startNanos;
        line("Downloading " + name + ": " + numFiles + (numFiles == 1 ? " file" : " files")
                + (totalBytes > 0 ? ", " + size(totalBytes) : ""));
    }

    @Override
    public synchronized void update(String file, long fileBytes, long totalBytes) {
        Long before = bytesOfFile.put(file, fileBytes);
        if (before == null) {
            resumedBytes += fileBytes;
        }
        bytes += fileBytes - (before == null ? 0 : before);
        long now = nanoTime.getAsLong();
        if (now - paintedNanos >= (terminal ? TERMINAL_PERIOD_NANOS : LOG_PERIOD_NANOS)) {
            paintedNanos = now;
            paint(now);
        }
    }

    @Override
    public synchronized void note(String text) {
        line(text);
    }

    @Override
    public synchronized void finished() {
        long now = nanoTime.getAsLong();
        line(String.format(Locale.ROOT, "%s: %s in %.1f s", model, size(bytes), (now - startNanos) / 1e9));
    }

    private void line(String text) {
        out.println((terminal ? ERASE_LINE : "") + text);
        out.flush();
    }

    private void paint(long now) {
        String state = state(now);
        if (!terminal) {
            line(state);
            return;
        }
        int filled = (int) (BAR_WIDTH * fraction());
        out.print(ERASE_LINE + "[" + "#".repeat(filled) + " ".repeat(BAR_WIDTH - filled) + "] " + state);
        out.flush();
    }

    private double fraction() {
        return expectedBytes > 0 ? Math.min(1, (double) bytes / expectedBytes) : 0;
    }

    private String state(long now) {
        double perSecond = (bytes - resumedBytes) / Math.max(1e-3, (now - startNanos) / 1e9);
        String rate = ", " + size((long) perSecond) + "/s";
        if (expectedBytes <= 0) {
            return model + ": " + size(bytes) + rate;
        }
        long secondsLeft = (long) (Math.max(0, expectedBytes - bytes) / Math.max(1, perSecond));
        return String.format(
                Locale.ROOT,
                "%s: %d%% of %s%s, %d:%02d left",
                model,
                (int) (100 * fraction()),
                size(expectedBytes),
                rate,
                secondsLeft / 60,
                secondsLeft % 60);
    }

    private static String size(long bytes) {
        if (bytes < 1_000_000) {
            return String.format(Locale.ROOT, "%.1f kB", bytes / 1e3);
        }
        return bytes < 1_000_000_000
                ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6)
                : String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
    }
}
