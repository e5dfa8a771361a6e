package dev.quire.scheduler;

import dev.quire.request.GenerationRequest;

/** Hears of a request's milestones on the engine thread, to free its place in the queue. */
public interface SequenceListener {
    /** The prompt is computed, or never will be; once a request. */
    void promptDone(GenerationRequest request);

    /** One of the request's n sequences ended; n times a request. */
    void sequenceEnded(GenerationRequest request);
}
