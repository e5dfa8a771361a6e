package dev.quire.server.ops;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts of values by bucket, recorded from any thread in tens of nanoseconds and without allocation.
 *
 * <p>Values are whole numbers in a small unit (nanoseconds, tokens); {@code scale} turns them into the exposed unit.
 */
final class Histogram {
    private final String name;
    private final String help;
    private final double scale;
    private final double[] bounds;
    private final long[] rawBounds;
    private final AtomicLongArray counts;
    private final LongAdder sum = new LongAdder();

    /** @param bounds upper bounds in the exposed unit, ascending */
    Histogram(String name, String help, double scale, double... bounds) {
        this.name = name;
        this.help = help;
        this.scale = scale;
        this.bounds = bounds.clone();
        this.rawBounds = new long[bounds.length];
        for (int i = 0; i < bounds.length; i++) {
            rawBounds[i] = Math.round(bounds[i] / scale);
        }
        this.counts = new AtomicLongArray(bounds.length + 1);
    }

    void record(long value) {
        int position = Arrays.binarySearch(rawBounds, value);
        counts.getAndIncrement(position >= 0 ? position : -position - 1);
        sum.add(value);
    }

    void write(PrometheusText out) {
        long[] snapshot = new long[counts.length()];
        for (int i = 0; i < snapshot.length; i++) {
            snapshot[i] = counts.get(i);
        }
        out.histogram(name, help, bounds, snapshot, sum.sum() * scale);
    }
}
