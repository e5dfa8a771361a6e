package dev.quire.bench;

import java.util.Arrays;
import java.util.List;

/** Mean and percentiles of a sample. Percentiles interpolate linearly between ranks, as numpy's default does. */
public final class Distribution {
    private final double[] sorted;

    private Distribution(double[] values) {
        this.sorted = values.clone();
        Arrays.sort(sorted);
    }

    public static Distribution of(double... values) {
        return new Distribution(values);
    }

    /** Times to first token in milliseconds. */
    public static Distribution ttft(List<RequestTimes> requests) {
        return of(requests.stream()
                .filter(times -> times.numArrivals() > 0)
                .mapToDouble(RequestTimes::ttftMillis)
                .toArray());
    }

    /** Times per output token, one a request, in milliseconds. */
    public static Distribution tpot(List<RequestTimes> requests) {
        return of(requests.stream()
                .filter(times -> times.numTokens() > 1)
                .mapToDouble(RequestTimes::tpotMillis)
                .toArray());
    }

    /** Gaps between arrivals, all requests together, in milliseconds. */
    public static Distribution itl(List<RequestTimes> requests) {
        double[] gaps = new double
                [requests.stream()
                        .mapToInt(times -> Math.max(0, times.numArrivals() - 1))
                        .sum()];
        int next = 0;
        for (RequestTimes times : requests) {
            for (int i = 1; i < times.numArrivals(); i++) {
                gaps[next++] = RequestTimes.millis(times.arrivalNanos(i) - times.arrivalNanos(i - 1));
            }
        }
        return of(gaps);
    }

    /** From submit to last token in milliseconds. */
    public static Distribution e2el(List<RequestTimes> requests) {
        return of(requests.stream()
                .filter(times -> times.numArrivals() > 0)
                .mapToDouble(RequestTimes::e2elMillis)
                .toArray());
    }

    public int count() {
        return sorted.length;
    }

    /** 0 of an empty sample, like every figure here. */
    public double mean() {
        return sorted.length == 0 ? 0 : Arrays.stream(sorted).sum() / sorted.length;
    }

    public double median() {
        return percentile(50);
    }

    /** @param percent in [0, 100] */
    public double percentile(double percent) {
        if (sorted.length == 0) {
            return 0;
        }
        double rank = percent / 100 * (sorted.length - 1);
        int below = (int) Math.floor(rank);
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
    }
}
