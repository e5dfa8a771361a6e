package dev.quire.boot;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/** How long each phase of the start took, in order. */
final class PhaseTimes {
    private final List<String> phases = new ArrayList<>();

    <T> T time(String phase, Supplier<T> work) {
        long start = System.nanoTime();
        T result = work.get();
        phases.add(phase + " " + seconds(start));
        return result;
    }

    /** Such as {@code weights 0.41 s, KV cache 0.08 s}. */
    @Override
    public String toString() {
        return String.join(", ", phases);
    }

    private static String seconds(long sinceNanos) {
        return String.format(Locale.ROOT, "%.2f s", (System.nanoTime() - sinceNanos) / 1e9);
    }
}
