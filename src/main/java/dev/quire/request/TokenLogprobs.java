package dev.quire.request;

/**
 * Log-probabilities at one position, raw: before penalties, bias and temperature.
 *
 * @param tokenId the token at this position
 * @param logprob its natural-log probability
 * @param rank 1 for the most probable token
 * @param topIds the asked number of most probable ids, best first
 * @param topLogprobs their log-probabilities, parallel to {@code topIds}
 */
public record TokenLogprobs(int tokenId, float logprob, int rank, int[] topIds, float[] topLogprobs) {}
