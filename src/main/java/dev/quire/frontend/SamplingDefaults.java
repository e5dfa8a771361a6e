package dev.quire.frontend;

import org.jspecify.annotations.Nullable;

/**
 * What a request's sampling values are when it names none; null falls through to the API's own default.
 *
 * @param maxTokens also an upper bound for every request
 */
public record SamplingDefaults(
        @Nullable Float temperature,
        @Nullable Float topP,
        @Nullable Integer topK,
        @Nullable Float minP,
        @Nullable Float repetitionPenalty,
        @Nullable Integer maxTokens) {

    /** The API's own defaults everywhere. */
    public static SamplingDefaults none() {
        return new SamplingDefaults(null, null, null, null, null, null);
    }
}
