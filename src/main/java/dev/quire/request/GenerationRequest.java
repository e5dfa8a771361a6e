package dev.quire.request;

/**
 * Tokenized and validated: below this type nobody validates again.
 *
 * @param id the caller's name for it, such as {@code chatcmpl-…}; for logs only, identity is the object
 * @param prompt at least one token, shorter than the model's context
 * @param params how to sample and when to stop
 * @param eosTokenIds the model's end-of-sequence ids; they stop a sequence unless {@code ignoreEos}
 * @param priority lower runs first under the priority policy
 * @param cacheSalt separates prefix-cache entries of different tenants; 0 shares with everyone
 * @param arrivalNanos {@link System#nanoTime()} at arrival
 * @param sink where tokens go
 */
public record GenerationRequest(
        String id,
        TokenIds prompt,
        SamplingParams params,
        TokenIds eosTokenIds,
        int priority,
        long cacheSalt,
        long arrivalNanos,
        TokenSink sink) {
    public GenerationRequest {
        if (prompt.isEmpty()) {
            throw new InvalidParameterException("prompt", "the prompt has no tokens");
        }
    }

    /** Identity, not content: two requests with the same content are two requests. */
    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }

    @Override
    public String toString() {
        return "GenerationRequest[" + id + ", " + prompt.length() + " prompt tokens]";
    }
}
