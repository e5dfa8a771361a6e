package dev.quire.kernel.cpu;

import dev.quire.kernel.AttentionKernels;
import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.AttentionParams;
import dev.quire.kernel.KvScales;
import dev.quire.kernel.PagedKvCache;
import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.Shape;
import dev.quire.tensor.Storage;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Sequences with random q, k and v, kept as plain arrays; runs any split of them into steps through a paged cache with
 * shuffled blocks, and computes the result by the formula, in two passes and double.
 */
final class AttentionCase {
    static final int LAYER = 1;
    /** Of two layers; no power of two, and such that some values saturate. */
    static final KvScales SCALES = new KvScales(new float[] {1f, 0.0071f}, new float[] {1f, 0.0103f});
    /** Columns between rows that belong to nobody. */
    private static final int PADDING = 3;

    final AttentionParams params;
    final int[] lengths;
    /** [sequence][position × row width]: q heads, k heads, v heads. */
    final float[][] qkv;

    final int width;

    AttentionCase(AttentionParams params, long seed, int... lengths) {
        this.params = params;
        this.lengths = lengths;
        width = (params.numHeads() + 2 * params.numKvHeads()) * params.headDim();
        Random random = new Random(seed);
        qkv = new float[lengths.length][];
        for (int s = 0; s < lengths.length; s++) {
            qkv[s] = new float[lengths[s] * width];
            for (int i = 0; i < qkv[s].length; i++) {
                qkv[s][i] = (float) random.nextGaussian();
            }
        }
    }

    int keyColumn() {
        return params.numHeads() * params.headDim();
    }

    int valueColumn() {
        return keyColumn() + params.numKvHeads() * params.headDim();
    }

    /** Output rows of all sequences, [sequence][position × numHeads × headDim], in double. */
    double[][] expected(DType type) {
        double[][] out = new double[lengths.length][];
        for (int s = 0; s < lengths.length; s++) {
            out[s] = new double[lengths[s] * params.numHeads() * params.headDim()];
            for (int t = 0; t < lengths[s]; t++) {
                for (int h = 0; h < params.numHeads(); h++) {
                    expectedRow(out[s], s, t, h, type);
                }
            }
        }
        return out;
    }

    private void expectedRow(double[] out, int s, int t, int h, DType type) {
        int dim = params.headDim();
        int kvHead = h / (params.numHeads() / params.numKvHeads());
        int first = params.slidingWindow() > 0 ? Math.max(0, t + 1 - params.slidingWindow()) : 0;
        double[] scores = new double[t + 1];
        double max = params.sinks() == null ? Double.NEGATIVE_INFINITY : params.sinks()[h];
        for (int p = first; p <= t; p++) {
            double score = 0;
            for (int d = 0; d < dim; d++) {
                score += (double) qkv[s][t * width + h * dim + d] * kv(s, p, keyColumn() + kvHead * dim + d, type);
            }
            score *= params.scale();
            scores[p] = params.softCap() > 0 ? params.softCap() * Math.tanh(score / params.softCap()) : score;
            max = Math.max(max, scores[p]);
        }
        double total = params.sinks() == null ? 0 : Math.exp(params.sinks()[h] - max);
        int o = (t * params.numHeads() + h) * dim;
        for (int p = first; p <= t; p++) {
            double weight = Math.exp(scores[p] - max);
            total += weight;
            for (int d = 0; d < dim; d++) {
                out[o + d] += weight * kv(s, p, valueColumn() + kvHead * dim + d, type);
            }
        }
        for (int d = 0; d < dim; d++) {
            out[o + d] /= total;
        }
    }

    private double kv(int s, int p, int column, DType type) {
        float value = qkv[s][p * width + column];
        return switch (type) {
            case F32 -> value;
            case BF16 -> FloatBits.bf16ToFloat(FloatBits.floatToBf16(value));
            default -> {
                float scale = column < valueColumn() ? SCALES.key(LAYER) : SCALES.value(LAYER);
                yield (double) scale * FloatBits.f8e4m3ToFloat(FloatBits.floatToF8e4m3(value / scale));
            }
        };
    }

    /** What to compute in one step: for each listed sequence, its tokens [from, to). */
    record Part(int sequence, int from, int to) {}

    /** Each sequence in chunks of {@code chunk}, all sequences side by side. */
    List<List<Part>> steps(int chunk) {
        List<List<Part>> steps = new ArrayList<>();
        for (int from = 0; from < Arrays.stream(lengths).max().orElse(0); from += chunk) {
            List<Part> step = new ArrayList<>();
            for (int s = 0; s < lengths.length; s++) {
                if (from < lengths[s]) {
                    step.add(new Part(s, from, Math.min(from + chunk, lengths[s])));
                }
            }
            steps.add(step);
        }
        return steps;
    }

    /** Runs the steps; rows beyond those in use are NaN before and must be NaN afterwards. */
    float[][] run(
            CpuKvCache caches,
            AttentionKernels attention,
            List<List<Part>> steps,
            int blockSize,
            DType type,
            long seed) {
        int[][] blocks = blocks(blockSize, seed);
        int numBlocks = Arrays.stream(blocks).mapToInt(b -> b.length).sum() + 1;
        try (PagedKvCache cache =
                caches.allocate(numBlocks, blockSize, params.numKvHeads(), params.headDim(), type, SCALES)) {
            return run(cache, caches, attention, steps, blocks);
        }
    }

    int[][] blocks(int blockSize, long seed) {
        List<Integer> ids = new ArrayList<>();
        int total = Arrays.stream(lengths)
                .map(length -> (length + blockSize - 1) / blockSize)
                .sum();
        for (int i = 0; i <= total; i++) {
            ids.add(i);
        }
        Collections.shuffle(ids, new Random(seed));
        int[][] blocks = new int[lengths.length][];
        int next = 0;
        for (int s = 0; s < lengths.length; s++) {
            blocks[s] = new int[(lengths[s] + blockSize - 1) / blockSize];
            for (int b = 0; b < blocks[s].length; b++) {
                blocks[s][b] = ids.get(next++);
            }
        }
        return blocks;
    }

    float[][] run(
            PagedKvCache cache, CpuKvCache caches, AttentionKernels attention, List<List<Part>> steps, int[][] blocks) {
        int outWidth = params.numHeads() * params.headDim();
        float[][] result = new float[lengths.length][];
        for (int s = 0; s < lengths.length; s++) {
            result[s] = new float[lengths[s] * outWidth];
        }
        int maxBlocks = Arrays.stream(blocks).mapToInt(b -> b.length).max().orElse(0);
        for (List<Part> step : steps) {
            int rows = step.stream().mapToInt(p -> p.to - p.from).sum();
            AttentionMetadata metadata = new AttentionMetadata(step.size(), rows, maxBlocks, cache.blockSize());
            metadata.clear();
            int stride = width + PADDING;
            Tensor in = tensor(rows + 1, stride);
            Tensor out = tensor(rows + 1, outWidth + PADDING);
            int row = 0;
            for (Part part : step) {
                metadata.add(part.from, part.to - part.from, blocks[part.sequence], blocks[part.sequence].length);
                for (int t = part.from; t < part.to; t++) {
                    System.arraycopy(
                            qkv[part.sequence], t * width, in.floats(), (int) in.offset() + row++ * stride, width);
                }
            }
            caches.write(cache, LAYER, in, keyColumn(), valueColumn(), metadata);
            attention.attend(out, in, cache, LAYER, params, metadata);
            collect(step, out, result, outWidth);
        }
        return result;
    }

    private static void collect(List<Part> step, Tensor out, float[][] result, int outWidth) {
        float[] floats = out.floats();
        int at = (int) out.offset();
        for (int i = 0; i < at; i++) {
            requirePoison(floats, i);
        }
        for (Part part : step) {
            for (int t = part.from; t < part.to; t++) {
                System.arraycopy(floats, at, result[part.sequence], t * outWidth, outWidth);
                for (int i = 0; i < PADDING; i++) {
                    requirePoison(floats, at + outWidth + i);
                }
                at += outWidth + PADDING;
            }
        }
        for (; at < floats.length; at++) {
            requirePoison(floats, at);
        }
    }

    private static void requirePoison(float[] floats, int i) {
        if (floats[i] == floats[i]) {
            throw new AssertionError("element " + i + " outside the rows in use was written: " + floats[i]);
        }
    }

    /** Filled with NaN, its first element not the storage's first. */
    static Tensor tensor(int rows, int columns) {
        int offset = 5;
        float[] floats = new float[offset + rows * columns];
        Arrays.fill(floats, Float.NaN);
        return new Tensor(DType.F32, Shape.of(rows, columns), new Storage.Floats(floats), offset);
    }
}
