package dev.quire.kernel.cuda;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** The best ids of a raw logit row by sorting it on the host, for reports longer than the kernel makes. */
final class FullRanking {
    private long[] keys = {};

    /**
     * Fills {@code ids} and {@code logprobs}, best first, ties by lower id.
     *
     * @param start byte at which the row begins
     * @param logTotal logarithm of the sum of exp(x - max)
     */
    void rank(ByteBuffer rows, int start, int vocabSize, float max, double logTotal, int[] ids, float[] logprobs) {
        if (keys.length < vocabSize) {
            keys = new long[vocabSize];
        }
        for (int id = 0; id < vocabSize; id++) {
            int bits = Float.floatToRawIntBits(rows.getFloat(start + id * Float.BYTES) + 0f);
            int ascending = bits ^ ((bits >> 31) & 0x7fffffff);
            keys[id] = ((long) ~ascending << 32) | id;
        }
        Arrays.sort(keys, 0, vocabSize);
        for (int i = 0; i < ids.length; i++) {
            ids[i] = (int) keys[i];
            float x = rows.getFloat(start + ids[i] * Float.BYTES);
            // Infinity less infinity: the token is one of the best.
            logprobs[i] = (float) ((x == max ? 0.0 : (double) x - max) - logTotal);
        }
    }
}
