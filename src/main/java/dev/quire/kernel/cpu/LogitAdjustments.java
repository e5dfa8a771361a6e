package dev.quire.kernel.cpu;

import dev.quire.kernel.SamplingBatch;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Allowed and banned ids, bias, penalties and grammar mask of one row, in place. One per worker: it keeps scratch. */
final class LogitAdjustments {
    /** stamps[id] == epoch says that the id was seen in this row; saves clearing the vocabulary. */
    private int[] stamps = {};

    private int[] counts = {};
    private int[] seen = {};
    private int epoch;
    private float[] saved = {};

    /** Whether a masked NaN could go unnoticed. */
    static boolean masks(SamplingBatch batch, int row) {
        return batch.allowedIds[row] != null || batch.bannedIds[row] != null || batch.tokenMask[row] != null;
    }

    void apply(float[] x, int from, int vocabSize, SamplingBatch batch, int row) {
        allow(x, from, vocabSize, batch.allowedIds[row]);
        ban(x, from, vocabSize, batch.bannedIds[row]);
        bias(x, from, vocabSize, batch.biasIds[row], batch.biases[row]);
        penalize(x, from, vocabSize, batch, row);
        maskGrammar(x, from, vocabSize, batch.tokenMask[row]);
    }

    private void allow(float[] x, int from, int vocabSize, int @Nullable [] ids) {
        if (ids == null) {
            return;
        }
        if (saved.length < ids.length) {
            saved = new float[ids.length];
        }
        for (int i = 0; i < ids.length; i++) {
            saved[i] = ids[i] < vocabSize ? x[from + ids[i]] : 0f;
        }
        Arrays.fill(x, from, from + vocabSize, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < vocabSize) {
                x[from + ids[i]] = saved[i];
            }
        }
    }

    private static void ban(float[] x, int from, int vocabSize, int @Nullable [] ids) {
        if (ids == null) {
            return;
        }
        for (int id : ids) {
            if (id < vocabSize) {
                x[from + id] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    private static void bias(float[] x, int from, int vocabSize, int @Nullable [] ids, float @Nullable [] biases) {
        if (ids == null || biases == null) {
            return;
        }
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < vocabSize) {
                x[from + ids[i]] += biases[i];
            }
        }
    }

    private void penalize(float[] x, int from, int vocabSize, SamplingBatch batch, int row) {
        int[] tokens = batch.tokens[row];
        float repetition = batch.repetitionPenalty[row];
        float frequency = batch.frequencyPenalty[row];
        float presence = batch.presencePenalty[row];
        if (tokens == null || (repetition == 1f && frequency == 0f && presence == 0f)) {
            return;
        }
        int numSeen = count(tokens, batch.numPromptTokens[row], batch.numTokens[row], vocabSize);
        for (int i = 0; i < numSeen; i++) {
            int id = seen[i];
            float value = x[from + id];
            if (repetition != 1f) {
                value = value > 0 ? value / repetition : value * repetition;
            }
            if (counts[id] > 0) {
                value -= frequency * counts[id];
                value -= presence;
            }
            x[from + id] = value;
        }
    }

    /** Fills {@link #seen} with the distinct ids, {@link #counts} with how often each was generated. */
    private int count(int[] tokens, int numPromptTokens, int numTokens, int vocabSize) {
        if (stamps.length < vocabSize) {
            stamps = new int[vocabSize];
            counts = new int[vocabSize];
            seen = new int[vocabSize];
            epoch = 0;
        }
        if (++epoch == 0) {
            Arrays.fill(stamps, 0);
            epoch = 1;
        }
        int numSeen = 0;
        for (int i = 0; i < numTokens; i++) {
            int id = tokens[i];
            if (id >= vocabSize) {
                continue;
            }
            if (stamps[id] != epoch) {
                stamps[id] = epoch;
                counts[id] = 0;
                seen[numSeen++] = id;
            }
            if (i >= numPromptTokens) {
                counts[id]++;
            }
        }
        return numSeen;
    }

    private static void maskGrammar(float[] x, int from, int vocabSize, int @Nullable [] words) {
        if (words == null) {
            return;
        }
        for (int start = 0; start < vocabSize; start += Integer.SIZE) {
            int end = Math.min(start + Integer.SIZE, vocabSize);
            int word = words[start / Integer.SIZE];
            if (word == 0) {
                Arrays.fill(x, from + start, from + end, Float.NEGATIVE_INFINITY);
            } else if (word != -1) {
                for (int i = start; i < end; i++) {
                    if ((word >>> (i - start) & 1) == 0) {
                        x[from + i] = Float.NEGATIVE_INFINITY;
                    }
                }
            }
        }
    }
}
