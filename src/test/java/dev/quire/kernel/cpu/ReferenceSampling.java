package dev.quire.kernel.cpu;

import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;
import dev.quire.kernel.SamplingKernels;
import dev.quire.tensor.Tensor;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/**
 * Sampling as {@link SamplingKernels} words it, one row after the other, sorting the whole vocabulary: what every other
 * implementation is compared with, id by id. The weights are 64-bit integers here; see {@link LogitOps} for their
 * definition.
 */
public final class ReferenceSampling implements SamplingKernels {
    @Override
    public void sample(Tensor logits, int vocabSize, SamplingBatch batch, SampledTokens out) {
        for (int row = 0; row < batch.numRows; row++) {
            float[] raw = copyRow(logits, vocabSize, row);
            float[] x = raw.clone();
            mask(x, batch, row);
            penalize(x, batch, row);
            maskGrammar(x, batch.tokenMask[row]);
            out.ids[row] = hasNan(raw) || hasNan(x) ? -1 : draw(x, batch, row);
            report(raw, out.ids[row], batch.numLogprobs[row], out, row);
        }
    }

    @Override
    public void logprobs(Tensor logits, int vocabSize, int[] targets, int numTop, int numRows, SampledTokens out) {
        for (int row = 0; row < numRows; row++) {
            report(copyRow(logits, vocabSize, row), targets[row], numTop, out, row);
        }
    }

    private static float[] copyRow(Tensor logits, int vocabSize, int row) {
        int from = Math.toIntExact(logits.offset() + (long) row * logits.rowStride());
        return Arrays.copyOfRange(logits.floats(), from, from + vocabSize);
    }

    private static boolean hasNan(float[] x) {
        for (float value : x) {
            if (value != value) {
                return true;
            }
        }
        return false;
    }

    private static void mask(float[] x, SamplingBatch batch, int row) {
        int[] allowed = batch.allowedIds[row];
        if (allowed != null) {
            BitSet set = bits(allowed);
            for (int i = 0; i < x.length; i++) {
                x[i] = set.get(i) ? x[i] : Float.NEGATIVE_INFINITY;
            }
        }
        int[] banned = batch.bannedIds[row];
        if (banned != null) {
            bits(banned).stream().filter(id -> id < x.length).forEach(id -> x[id] = Float.NEGATIVE_INFINITY);
        }
        int[] biasIds = batch.biasIds[row];
        float[] biases = batch.biases[row];
        if (biasIds != null && biases != null) {
            for (int i = 0; i < biasIds.length; i++) {
                if (biasIds[i] < x.length) {
                    x[biasIds[i]] += biases[i];
                }
            }
        }
    }

    private static BitSet bits(int[] ids) {
        BitSet set = new BitSet();
        for (int id : ids) {
            set.set(id);
        }
        return set;
    }

    private static void penalize(float[] x, SamplingBatch batch, int row) {
        int[] tokens = batch.tokens[row];
        if (tokens == null) {
            return;
        }
        boolean[] seen = new boolean[x.length];
        int[] generated = new int[x.length];
        for (int i = 0; i < batch.numTokens[row]; i++) {
            if (tokens[i] < x.length) {
                seen[tokens[i]] = true;
                generated[tokens[i]] += i >= batch.numPromptTokens[row] ? 1 : 0;
            }
        }
        float repetition = batch.repetitionPenalty[row];
        for (int i = 0; i < x.length; i++) {
            if (seen[i] && repetition != 1f) {
                x[i] = x[i] > 0 ? x[i] / repetition : x[i] * repetition;
            }
            if (generated[i] > 0) {
                x[i] -= batch.frequencyPenalty[row] * generated[i];
                x[i] -= batch.presencePenalty[row];
            }
        }
    }

    private static void maskGrammar(float[] x, int @Nullable [] words) {
        if (words == null) {
            return;
        }
        for (int i = 0; i < x.length; i++) {
            if ((words[i / 32] >>> (i % 32) & 1) == 0) {
                x[i] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    private static int draw(float[] x, SamplingBatch batch, int row) {
        Integer[] order = descending(x);
        float max = x[order[0]];
        if (max == Float.NEGATIVE_INFINITY) {
            return -1;
        }
        if (batch.temperature[row] == 0f) {
            return order[0];
        }
        float inverseTemperature = 1f / batch.temperature[row];
        long[] weights = new long[x.length];
        for (int i = 0; i < x.length; i++) {
            // Infinite logits share all of the probability.
            float exp = max == Float.POSITIVE_INFINITY
                    ? (x[i] == max ? 1f : 0f)
                    : Exponential.exp((x[i] - max) * inverseTemperature);
            weights[i] = (long) Math.rint(exp * 0x1p34);
            if (weights[i] * LogitOps.WEIGHT_UNIT < batch.minP[row]) {
                weights[i] = 0;
            }
        }
        int topK = batch.topK[row];
        if (topK > 0 && topK < x.length) {
            float kth = x[order[topK - 1]];
            for (int i = 0; i < x.length; i++) {
                weights[i] = x[i] >= kth ? weights[i] : 0;
            }
        }
        if (batch.topP[row] < 1f) {
            double target = batch.topP[row] * (sum(weights) * LogitOps.WEIGHT_UNIT);
            long kept = 0;
            for (int id : order) {
                if (kept * LogitOps.WEIGHT_UNIT >= target) {
                    weights[id] = 0;
                }
                kept += weights[id];
            }
        }
        long left = Philox.scale(Philox.bits(batch.seed[row], batch.counter[row]), sum(weights));
        int id = 0;
        while (left >= weights[id]) {
            left -= weights[id++];
        }
        return id;
    }

    private static long sum(long[] weights) {
        return Arrays.stream(weights).sum();
    }

    /** Ids by falling value, then rising id; -0 and 0 are equal. */
    private static Integer[] descending(float[] x) {
        Integer[] order = new Integer[x.length];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, Comparator.comparing((Integer i) -> -(x[i] + 0f) + 0f));
        return order;
    }

    private static void report(float[] raw, int id, int numTop, SampledTokens out, int row) {
        out.topIds[row] = null;
        out.topLogprobs[row] = null;
        out.logprobs[row] = Float.NaN;
        out.ranks[row] = 0;
        if (numTop < 0 || id < 0 || hasNan(raw)) {
            return;
        }
        Integer[] order = descending(raw);
        double max = raw[order[0]];
        double total = 0;
        for (float value : raw) {
            total += value == max ? 1 : Math.exp(value - max);
        }
        double logTotal = Math.log(total);
        out.logprobs[row] = logprob(raw[id], max, logTotal);
        int rank = 1;
        for (float value : raw) {
            rank += value > raw[id] ? 1 : 0;
        }
        out.ranks[row] = rank;
        int n = Math.min(numTop, raw.length);
        int[] ids = new int[n];
        float[] logprobs = new float[n];
        for (int i = 0; i < n; i++) {
            ids[i] = order[i];
            logprobs[i] = logprob(raw[ids[i]], max, logTotal);
        }
        out.topIds[row] = ids;
        out.topLogprobs[row] = logprobs;
    }

    private static float logprob(float x, double max, double logTotal) {
        return (float) ((x == max ? 0 : x - max) - logTotal);
    }
}
