package dev.quire.queue;

import dev.quire.request.GenerationRequest;

/** What callers ask of the engine thread. */
public sealed interface EngineCommand {
    GenerationRequest request();

    record Submit(GenerationRequest request) implements EngineCommand {}

    /** The client is gone. */
    record Abort(GenerationRequest request) implements EngineCommand {}

    /** The caller found a stop string in sequence {@code index}. */
    record Finish(GenerationRequest request, int index) implements EngineCommand {}
}
