package dev.quire.kernel.cpu;

import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;

/** Samples one row after the other on one thread; its scratch grows to the vocabulary once. */
final class SamplingWorker {
    private final LogitOps ops;
    private final LogitAdjustments adjustments = new LogitAdjustments();
    private final TopSelection selection = new TopSelection();
    private final LogprobReport report;
    private float[] weights = {};
    private double[] chunkSums = {};
    private int[] ids = {};
    private float[] raw = {};

    SamplingWorker(LogitOps ops) {
        this.ops = ops;
        report = new LogprobReport(ops);
    }

    /** Samples row {@code row}, whose logits are x[from, from + vocabSize). */
    void sample(float[] x, int from, int vocabSize, SamplingBatch batch, int row, SampledTokens out) {
        int numLogprobs = batch.numLogprobs[row];
        if (numLogprobs >= 0) {
            if (raw.length < vocabSize) {
                raw = new float[vocabSize];
            }
            System.arraycopy(x, from, raw, 0, vocabSize);
        }
        boolean masks = LogitAdjustments.masks(batch, row);
        boolean hasNan = false;
        if (masks) {
            float max = ops.max(x, from, vocabSize);
            hasNan = max != max;
        }
        adjustments.apply(x, from, vocabSize, batch, row);
        int id = hasNan ? -1 : draw(x, from, vocabSize, batch, row);
        out.ids[row] = id;
        if (numLogprobs >= 0 && id >= 0) {
            report.report(raw, 0, vocabSize, id, numLogprobs, out, row);
        } else {
            LogprobReport.clear(out, row);
        }
    }

    void logprobs(float[] x, int from, int vocabSize, int target, int numTop, SampledTokens out, int row) {
        report.report(x, from, vocabSize, target, numTop, out, row);
    }

    private int draw(float[] x, int from, int vocabSize, SamplingBatch batch, int row) {
        float max = ops.max(x, from, vocabSize);
        if (max != max || max == Float.NEGATIVE_INFINITY) {
            return -1;
        }
        if (batch.temperature[row] == 0f) {
            return ops.indexOf(x, from, vocabSize, max);
        }
        if (max == Float.POSITIVE_INFINITY) {
            shareAmongInfinite(x, from, vocabSize);
            max = 0f;
        }
        if (weights.length < vocabSize) {
            weights = new float[vocabSize];
            ids = new int[vocabSize];
            chunkSums = new double[LogitOps.numChunks(vocabSize)];
        }
        float inverseTemperature = 1f / batch.temperature[row];
        double total = ops.weights(x, from, vocabSize, max, inverseTemperature, weights, chunkSums);
        long bits = Philox.bits(batch.seed[row], batch.counter[row]);
        int topK = batch.topK[row];
        float topP = batch.topP[row];
        float minP = batch.minP[row];
        if (topK <= 0 && topP >= 1f && minP <= 0f) {
            return pick(vocabSize, target(bits, total));
        }

        float threshold = Float.MIN_VALUE;
        if (minP > 0f) {
            threshold = minP;
        } else if (topK <= 0) {
            // Tokens below this cannot hold (1 - topP) of the total even together, so none of them is needed.
            threshold = Math.max(threshold, (float) ((1.0 - topP) * total / vocabSize * 0.999));
        }
        int n = ops.select(weights, vocabSize, threshold, ids);
        selection.begin(x, from, max, inverseTemperature, weights, ids);
        if (topK > 0) {
            n = selection.keepTopK(n, topK);
        }
        if (topK > 0 || minP > 0f) {
            total = selection.sum(n);
        }
        if (topP < 1f) {
            n = selection.keepTopP(n, topP * total);
            total = selection.sum(n);
        }
        return selection.pick(n, target(bits, total));
    }

    /** A multiple of the weight unit, uniform in [0, total). */
    private static double target(long bits, double total) {
        return Philox.scale(bits, (long) (total * 0x1p34)) * LogitOps.WEIGHT_UNIT;
    }

    /** The token at which the running sum of all weights first exceeds {@code target}. */
    private int pick(int vocabSize, double target) {
        double sum = 0;
        int chunk = 0;
        while (sum + chunkSums[chunk] <= target) {
            sum += chunkSums[chunk++];
        }
        int i = chunk * LogitOps.CHUNK;
        for (sum += weights[i]; sum <= target; sum += weights[++i]) {}
        return i;
    }

    private static void shareAmongInfinite(float[] x, int from, int vocabSize) {
        for (int i = from; i < from + vocabSize; i++) {
            x[i] = x[i] == Float.POSITIVE_INFINITY ? 0f : Float.NEGATIVE_INFINITY;
        }
    }
}
