package dev.quire.bench;

import java.io.PrintStream;

/** A bar of what is finished on a terminal; silent elsewhere. Safe for any thread. */
public final class Progress {
    private static final int WIDTH = 40;
    private static final long REDRAW_NANOS = 100_000_000L;

    private final PrintStream terminal;
    private final boolean visible;
    private long drawnNanos;

    public Progress(PrintStream terminal, boolean visible) {
        this.terminal = terminal;
        this.visible = visible;
    }

    public synchronized void show(String phase, int done, int total) {
        long now = System.nanoTime();
        if (!visible || (done < total && now - drawnNanos < REDRAW_NANOS)) {
            return;
        }
        drawnNanos = now;
        int filled = total == 0 ? WIDTH : (int) ((long) WIDTH * done / total);
        terminal.print(
                "\r" + phase + " [" + "#".repeat(filled) + ".".repeat(WIDTH - filled) + "] " + done + "/" + total);
        if (done == total) {
            terminal.print("\r" + " ".repeat(phase.length() + WIDTH + 24) + "\r");
        }
        terminal.flush();
    }
}
