package dev.quire.kernel.cpu;

import dev.quire.kernel.AttentionKernels;
import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.AttentionParams;
import dev.quire.kernel.PagedKvCache;
import dev.quire.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Attention as the formula says it, one row and head after the other, in double: what every other implementation is
 * compared with, and what runs where the vector module is missing.
 */
public final class ReferenceAttention implements AttentionKernels {
    private final WorkerPool pool;

    public ReferenceAttention(WorkerPool pool) {
        this.pool = pool;
    }

    @Override
    public void attend(
            Tensor out, Tensor qkv, PagedKvCache cache, int layer, AttentionParams params, AttentionMetadata metadata) {
        CpuPagedKvCache kv = (CpuPagedKvCache) cache;
        pool.run(metadata.numTokens, row -> {
            Row task = new Row(out, qkv, kv, layer, params, metadata, row);
            for (int head = 0; head < params.numHeads(); head++) {
                task.attend(head);
            }
        });
    }

    /** One query token. */
    private static final class Row {
        private final Tensor out;
        private final Tensor qkv;
        private final CpuPagedKvCache cache;
        private final int layer;
        private final AttentionParams params;
        private final AttentionMetadata metadata;
        private final int row;
        private final int seq;
        private final float[] key;
        private final float[] value;
        private final double[] sum;

        Row(
                Tensor out,
                Tensor qkv,
                CpuPagedKvCache cache,
                int layer,
                AttentionParams params,
                AttentionMetadata metadata,
                int row) {
            this.out = out;
            this.qkv = qkv;
            this.cache = cache;
            this.layer = layer;
            this.params = params;
            this.metadata = metadata;
            this.row = row;
            int s = 0;
            while (metadata.cuSeqlensQ[s + 1] <= row) {
                s++;
            }
            seq = s;
            key = new float[params.headDim()];
            value = new float[params.headDim()];
            sum = new double[params.headDim()];
        }

        void attend(int head) {
            int headDim = params.headDim();
            int kvHead = head / (params.numHeads() / params.numKvHeads());
            int last = metadata.seqLens[seq] - metadata.cuSeqlensQ[seq + 1] + row;
            int first = params.slidingWindow() > 0 ? Math.max(0, last - params.slidingWindow() + 1) : 0;

            // Online softmax: when a larger score comes, what was summed so far is scaled down.
            float @Nullable [] sinks = params.sinks();
            double max = sinks == null ? Double.NEGATIVE_INFINITY : sinks[head];
            double total = sinks == null ? 0 : 1;
            Arrays.fill(sum, 0);
            for (int position = first; position <= last; position++) {
                int slot = slot(position);
                double score = score(head, kvHead, slot);
                if (score > max) {
                    double shrink = Math.exp(max - score);
                    total *= shrink;
                    for (int d = 0; d < headDim; d++) {
                        sum[d] *= shrink;
                    }
                    max = score;
                }
                double weight = Math.exp(score - max);
                total += weight;
                cache.copyValue(layer, slot, kvHead, value, 0, 1);
                for (int d = 0; d < headDim; d++) {
                    sum[d] += weight * value[d] * cache.valueScale(layer);
                }
            }
            int o = Math.toIntExact(out.offset()) + row * out.rowStride() + head * headDim;
            for (int d = 0; d < headDim; d++) {
                out.floats()[o + d] = (float) (sum[d] / total);
            }
        }

        private int slot(int position) {
            int block = metadata.blockTables[seq * metadata.maxBlocksPerSeq + position / metadata.blockSize];
            return block * metadata.blockSize + position % metadata.blockSize;
        }

        private double score(int head, int kvHead, int slot) {
            float[] q = qkv.floats();
            int from = Math.toIntExact(qkv.offset()) + row * qkv.rowStride() + head * params.headDim();
            cache.copyKey(layer, slot, kvHead, key, 0, 1);
            double score = 0;
            for (int d = 0; d < params.headDim(); d++) {
                score += (double) q[from + d] * key[d];
            }
            score *= (double) params.scale() * cache.keyScale(layer);
            return params.softCap() > 0 ? params.softCap() * Math.tanh(score / params.softCap()) : score;
        }
    }
}
