package dev.quire.weights.hub;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Closes a stream from which nothing has come for too long, so that its blocked reader wakes: the client has no read timeout. */
final class StallWatch implements AutoCloseable {
    private final long timeoutNanos;
    private final InputStream body;
    private final ScheduledFuture<?> task;
    private volatile long lastNanos = System.nanoTime();
    private volatile boolean stalled;

    private StallWatch(ScheduledExecutorService watch, Duration timeout, InputStream body) {
        this.timeoutNanos = timeout.toNanos();
        this.body = body;
        long period = Math.max(1, timeoutNanos / 4);
        this.task = watch.scheduleWithFixedDelay(this::look, period, period, TimeUnit.NANOSECONDS);
    }

    static StallWatch start(ScheduledExecutorService watch, Duration timeout, InputStream body) {
        return new StallWatch(watch, timeout, body);
    }

    /** As InputStream.read; throws IOException, too, when this watch closed the stream. */
    int read(byte[] buffer) throws IOException {
        int count;
        try {
            count = body.read(buffer);
        } catch (IOException e) {
            throw stalled ? stalled(e) : e;
        }
        if (stalled) {
            throw stalled(null);
        }
        lastNanos = System.nanoTime();
        return count;
    }

    private IOException stalled(@Nullable IOException cause) {
        return new IOException("no byte came for " + TimeUnit.NANOSECONDS.toMillis(timeoutNanos) + " ms", cause);
    }

    private void look() {
        if (System.nanoTime() - lastNanos > timeoutNanos) {
            stalled = true;
            try {
                body.close();
            } catch (IOException e) {
                // It is closed either way.
                return;
            }
        }
    }

    @Override
    public void close() {
        task.cancel(false);
    }
}
