package dev.quire.bench;

import java.util.Arrays;

/** When the tokens of one request came. Written by one thread, read by others after the request ended. */
public final class RequestTimes {
    private final long submittedNanos;
    private long[] arrivalNanos;
    private int numArrivals;
    private int numTokens;

    /** @param capacity arrivals to expect */
    public RequestTimes(long submittedNanos, int capacity) {
        this.submittedNanos = submittedNanos;
        this.arrivalNanos = new long[Math.max(1, capacity)];
    }

    /** One or more tokens came together. */
    void arrived(long nanos, int tokens) {
        if (numArrivals == arrivalNanos.length) {
            arrivalNanos = Arrays.copyOf(arrivalNanos, 2 * numArrivals);
        }
        arrivalNanos[numArrivals++] = nanos;
        numTokens += tokens;
    }

    /** Replaces the count of tokens by what the server says it was. */
    void correctTokens(int tokens) {
        numTokens = tokens;
    }

    public int numTokens() {
        return numTokens;
    }

    int numArrivals() {
        return numArrivals;
    }

    long arrivalNanos(int index) {
        return arrivalNanos[index];
    }

    long firstNanos() {
        return arrivalNanos[0];
    }

    long lastNanos() {
        return arrivalNanos[numArrivals - 1];
    }

    long submittedNanos() {
        return submittedNanos;
    }

    /** Time to first token. */
    double ttftMillis() {
        return millis(firstNanos() - submittedNanos);
    }

    /** Time per output token after the first. */
    double tpotMillis() {
        return millis(lastNanos() - firstNanos()) / (numTokens - 1);
    }

    /** End-to-end latency. */
    double e2elMillis() {
        return millis(lastNanos() - submittedNanos);
    }

    static double millis(long nanos) {
        return nanos / 1e6;
    }
}
