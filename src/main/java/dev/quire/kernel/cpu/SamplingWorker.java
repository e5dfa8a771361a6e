package dev.quire.kernel.cpu;

import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;

/** Samples one row after the other on one thread; its scratch grows to the vocabulary once. */
final class SamplingWorker {
    private LogitOps ops;
    private final LogitAdjustments adjustments = new LogitAdjustments();
    private final TopSelection selection;
    private final LogprobReport report;
    private float[] weights = {};
    private double[] chunkSums = {};
    private float[] raw = {};

    SamplingWorker(LogitOps ops) {
        this.ops = ops;
        selection = new TopSelection(ops);
        report = new LogprobReport(ops);
    }

    void use(LogitOps ops) {
        this.ops = ops;
        selection.use(ops);
        report.use(ops);
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
            chunkSums = new double[LogitOps.numChunks(vocabSize)];
        }
        float inverseTemperature = 1f / batch.temperature[row];
        double total = ops.weights(x, from, vocabSize, max, inverseTemperature, weights, chunkSums);
        int topK = batch.topK[row];
        float topP = batch.topP[row];
        float minP = batch.minP[row];
        selection.begin(x, from, vocabSize, weights, chunkSums);
        if (minP > 0f) {
            total = selection.keepMinP(minP);
        }
        if (topK > 0) {
            total = selection.keepTopK(topK, total);
        }
        if (topP < 1f) {
            total = selection.keepTopP(topP, total);
        }
        // A multiple of the weight unit, uniform in [0, total).
        long bits = Philox.bits(batch.seed[row], batch.counter[row]);
        long target = Philox.scale(bits, (long) (total / LogitOps.WEIGHT_UNIT));
        return pick(target * LogitOps.WEIGHT_UNIT);
    }

    /** The token at which the running sum of all weights first exceeds {@code target}. */
    private int pick(double target) {
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
