package dev.quire.frontend;

/**
 * What one request may ask for at most.
 *
 * @param maxLogprobs {@code logprobs}, {@code top_logprobs} and {@code prompt_logprobs}; -1 is the vocabulary
 * @param maxNumSequences {@code n}
 * @param maxNumPrompts prompts of one completion request
 * @param maxNumStopStrings strings in {@code stop}
 */
public record ServingLimits(int maxLogprobs, int maxNumSequences, int maxNumPrompts, int maxNumStopStrings) {
    private static final int MAX_NUM_SEQUENCES = 128;
    private static final int MAX_NUM_PROMPTS = 1024;
    private static final int MAX_NUM_STOP_STRINGS = 4;

    /** The usual limits with this bound on logprobs. */
    public static ServingLimits of(int maxLogprobs) {
        return new ServingLimits(maxLogprobs, MAX_NUM_SEQUENCES, MAX_NUM_PROMPTS, MAX_NUM_STOP_STRINGS);
    }
}
