package dev.quire.kernel.cpu;

import dev.quire.kernel.SampledTokens;
import java.util.Arrays;

/** Raw log-probabilities of one row: of one token, and of the best. One per worker: it keeps scratch. */
final class LogprobReport {
    /** More than these are found by sorting all. */
    private static final int MAX_INSERTED = 256;

    private static final int[] NO_IDS = {};
    private static final float[] NO_LOGPROBS = {};

    private LogitOps ops;
    private long[] keys = {};

    LogprobReport(LogitOps ops) {
        this.ops = ops;
    }

    void use(LogitOps ops) {
        this.ops = ops;
    }

    static void clear(SampledTokens out, int row) {
        out.logprobs[row] = Float.NaN;
        out.ranks[row] = 0;
        out.topIds[row] = null;
        out.topLogprobs[row] = null;
    }

    /** Reports token {@code id} and the {@code numTop} best of x[from, from + n); nothing when the row holds NaN. */
    void report(float[] x, int from, int n, int id, int numTop, SampledTokens out, int row) {
        clear(out, row);
        float max = ops.max(x, from, n);
        if (max != max) {
            return;
        }
        double logTotal =
                Math.log(max == Float.POSITIVE_INFINITY ? countEqual(x, from, n, max) : ops.sumExp(x, from, n, max));
        out.logprobs[row] = logprob(x[from + id], max, logTotal);
        out.ranks[row] = 1 + ops.countGreater(x, from, n, x[from + id]);
        int numIds = Math.min(numTop, n);
        if (numIds <= 0) {
            out.topIds[row] = NO_IDS;
            out.topLogprobs[row] = NO_LOGPROBS;
            return;
        }
        rank(x, from, n, numIds);
        int[] ids = new int[numIds];
        float[] logprobs = new float[numIds];
        for (int i = 0; i < numIds; i++) {
            ids[i] = (int) keys[i];
            logprobs[i] = logprob(x[from + ids[i]], max, logTotal);
        }
        out.topIds[row] = ids;
        out.topLogprobs[row] = logprobs;
    }

    /** Fills keys[0, numIds) with the best, best first: rising keys are falling logits, then rising ids. */
    private void rank(float[] x, int from, int n, int numIds) {
        int needed = numIds <= MAX_INSERTED ? numIds : n;
        if (keys.length < needed) {
            keys = new long[needed];
        }
        if (numIds > MAX_INSERTED) {
            for (int i = 0; i < n; i++) {
                keys[i] = TopSelection.key(x[from + i], i);
            }
            Arrays.sort(keys, 0, n);
            return;
        }
        int count = 0;
        float worst = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            float value = x[from + i];
            if (count == numIds && value <= worst) {
                continue;
            }
            long key = TopSelection.key(value, i);
            int at = count < numIds ? count++ : count - 1;
            while (at > 0 && keys[at - 1] > key) {
                keys[at] = keys[at - 1];
                at--;
            }
            keys[at] = key;
            worst = x[from + (int) keys[count - 1]];
        }
    }

    private static int countEqual(float[] x, int from, int n, float value) {
        int count = 0;
        for (int i = from; i < from + n; i++) {
            count += x[i] == value ? 1 : 0;
        }
        return count;
    }

    private static float logprob(float x, float max, double logTotal) {
        // Infinity less infinity: the token is one of the best.
        return (float) ((x == max ? 0.0 : (double) x - max) - logTotal);
    }
}
