package dev.quire.engine;

import dev.quire.request.GenerationRequest;

/** The engine as others see it. Every method may be called from any thread and never blocks. */
public interface EngineClient {
    /** What became of a submitted request. */
    enum Admission {
        /** Its sink will hear from the engine. */
        ACCEPTED,
        /** The queue's bound is reached: ask again later (HTTP 429). */
        QUEUE_FULL,
        /** The engine is starting, stopping or dead (HTTP 503). */
        UNAVAILABLE
    }

    /** Where the engine is in its life. */
    enum State {
        STARTING,
        READY,
        /** Finishes what it has, takes nothing new. */
        DRAINING,
        /** Stopped in order. */
        STOPPED,
        /** Died of a fault; {@link #failure} says why. */
        DEAD
    }

    /** Hands a request over; only after {@link Admission#ACCEPTED} is its sink called. */
    Admission submit(GenerationRequest request);

    /** The client is gone: frees the request's blocks within one step. No effect once it has ended. */
    void abort(GenerationRequest request);

    /**
     * The caller saw one sequence's end by itself, at a stop string: it ends with reason {@code stop}, and is counted so.
     * Tokens sampled meanwhile may still arrive at the sink.
     */
    void finish(GenerationRequest request, int index);

    State state();

    /** One-line cause when {@link State#DEAD}, else empty. */
    String failure();

    /** A consistent-enough reading of gauges and counters. */
    EngineStats stats();

    /** Seconds after which a refused client may ask again, for {@code Retry-After}; ≥ 1. */
    int retryAfterSeconds();
}
