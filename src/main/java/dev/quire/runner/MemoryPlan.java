package dev.quire.runner;

import java.util.Locale;

/**
 * What goes where, computed before anything is allocated.
 *
 * @param device the backend's name
 * @param availableBytes what the device may give
 * @param weightBytes resident weights
 * @param scratchBytes activations and scratch of the largest step
 * @param kvBytes all KV blocks
 * @param blockBytes one block over all layers
 * @param numBlocks KV blocks
 * @param blockSize tokens a block
 * @param maxModelLen longest sequence
 * @param maxNumSeqs sequences in the batch at most
 */
public record MemoryPlan(
        String device,
        long availableBytes,
        long weightBytes,
        long scratchBytes,
        long kvBytes,
        long blockBytes,
        int numBlocks,
        int blockSize,
        int maxModelLen,
        int maxNumSeqs) {

    /** The model cannot run here; one line: cause, numbers, remedy. */
    public static final class DoesNotFitException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public DoesNotFitException(String message) {
            super(message);
        }
    }

    /**
     * What the plan has to decide on.
     *
     * @param kvCacheMemoryBytes asked size of the KV cache; 0 takes a share of what is left
     * @param kvShare that share, in (0, 1]
     * @param maxModelLen longest sequence
     * @param maxModelLenAsked whether the user asked for it: then it must fit, else it may shrink
     */
    public record Demand(
            String device,
            long availableBytes,
            long weightBytes,
            long scratchBytes,
            long blockBytes,
            int blockSize,
            int maxModelLen,
            boolean maxModelLenAsked,
            int maxNumSeqs,
            long kvCacheMemoryBytes,
            double kvShare) {}

    /**
     * Decides how many blocks there will be.
     *
     * @throws DoesNotFitException in one line when the weights, or one sequence of the asked length, do not fit
     */
    public static MemoryPlan of(Demand d) {
        long left = d.availableBytes - d.weightBytes - d.scratchBytes;
        if (left < d.blockBytes) {
            throw new DoesNotFitException(String.format(
                    Locale.ROOT,
                    "the model does not fit on %s: weights %s + activations %s of %s available; use a smaller or quantized"
                            + " model, lower --max-num-batched-tokens, or give more memory",
                    d.device,
                    size(d.weightBytes),
                    size(d.scratchBytes),
                    size(d.availableBytes)));
        }
        long perSequence = blocksFor(d.maxModelLen, d.blockSize);
        long useful = perSequence * d.maxNumSeqs * d.blockBytes;
        long kvBytes = d.kvCacheMemoryBytes > 0
                ? d.kvCacheMemoryBytes
                : Math.min(useful, Math.max((long) (left * d.kvShare), Math.min(left, perSequence * d.blockBytes)));
        if (kvBytes > left) {
            throw new DoesNotFitException(String.format(
                    Locale.ROOT,
                    "--kv-cache-memory-bytes %s does not fit on %s: weights %s + activations %s leave %s of %s; lower it",
                    size(kvBytes),
                    d.device,
                    size(d.weightBytes),
                    size(d.scratchBytes),
                    size(left),
                    size(d.availableBytes)));
        }
        long numBlocks = Math.min(kvBytes / d.blockBytes, Integer.MAX_VALUE / d.blockSize);
        int maxModelLen = d.maxModelLen;
        if (numBlocks < perSequence) {
            maxModelLen = Math.toIntExact(numBlocks * d.blockSize);
            if (d.maxModelLenAsked || maxModelLen == 0) {
                throw new DoesNotFitException(String.format(
                        Locale.ROOT,
                        "--max-model-len %d needs %s of KV cache, %s are there (%d tokens); use --max-model-len %d or raise"
                                + " --kv-cache-memory-bytes",
                        d.maxModelLen,
                        size(perSequence * d.blockBytes),
                        size(numBlocks * d.blockBytes),
                        numBlocks * d.blockSize,
                        Math.max(1, maxModelLen)));
            }
        }
        return new MemoryPlan(
                d.device,
                d.availableBytes,
                d.weightBytes,
                d.scratchBytes,
                numBlocks * d.blockBytes,
                d.blockBytes,
                Math.toIntExact(numBlocks),
                d.blockSize,
                maxModelLen,
                d.maxNumSeqs);
    }

    public long kvTokens() {
        return (long) numBlocks * blockSize;
    }

    /** How many sequences of maximal length fit at the same time. */
    public double maxConcurrency() {
        return (double) numBlocks / blocksFor(maxModelLen, blockSize);
    }

    /** The plan as a user reads it, one line an item. */
    public String describe() {
        long total = weightBytes + scratchBytes + kvBytes;
        return String.format(
                Locale.ROOT,
                "memory plan (%s, %s available)%n"
                        + "  weights      %10s%n"
                        + "  activations  %10s%n"
                        + "  KV cache     %10s   %,d blocks of %d tokens = %,d tokens%n"
                        + "  total        %10s   %.1f sequences of %,d tokens fit at once",
                device,
                size(availableBytes),
                size(weightBytes),
                size(scratchBytes),
                size(kvBytes),
                numBlocks,
                blockSize,
                kvTokens(),
                size(total),
                maxConcurrency(),
                maxModelLen);
    }

    /** Bytes in a unit that reads well: {@code 1.50 GiB}. */
    public static String size(long bytes) {
        if (bytes >= 1L << 30) {
            return String.format(Locale.ROOT, "%.2f GiB", bytes / (double) (1L << 30));
        }
        return String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1L << 20));
    }

    private static long blocksFor(long tokens, int blockSize) {
        return (tokens + blockSize - 1) / blockSize;
    }
}
