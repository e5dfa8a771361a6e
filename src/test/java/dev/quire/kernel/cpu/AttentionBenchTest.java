package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.kernel.AttentionKernels;
import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.AttentionParams;
import dev.quire.kernel.PagedKvCache;
import dev.quire.tensor.DType;
import dev.quire.tensor.Tensor;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Prints time, bandwidth of K and V, and arithmetic rate. */
@Tag("bench")
class AttentionBenchTest {
    private static final int LAYERS = 8;

    @ParameterizedTest
    @CsvSource({
        // sequences, rows of each, context, heads, KV heads, headDim, type
        "1,1,4096,32,8,64,F32",
        "1,1,4096,32,8,64,BF16",
        "1,1,4096,32,8,128,F32",
        "1,1,4096,32,8,128,BF16",
        "1,1,4096,32,8,128,F8_E4M3",
        "1,1,4096,9,3,64,F32",
        "1,1,4096,16,16,64,F32",
        "1,1,4096,16,16,64,BF16",
        "16,1,512,32,8,64,F32",
        "16,1,512,14,2,64,BF16",
        "64,1,128,32,8,64,F32",
        "1,512,512,32,8,64,F32",
        "1,512,512,32,8,64,BF16",
        "1,512,512,32,8,64,F8_E4M3",
        "1,512,4096,32,8,128,F32",
        "4,128,128,9,3,64,F32",
    })
    void attend(int numSeqs, int rows, int context, int heads, int kvHeads, int headDim, DType type) {
        AttentionParams params =
                new AttentionParams(heads, kvHeads, headDim, (float) (1 / Math.sqrt(headDim)), 0, 0f, null);
        int blockSize = 16;
        int blocksPerSeq = (context + blockSize - 1) / blockSize;
        int numBlocks = numSeqs * blocksPerSeq;
        AttentionMetadata metadata = new AttentionMetadata(numSeqs, numSeqs * rows, blocksPerSeq, blockSize);
        metadata.clear();
        int[] order = shuffled(numBlocks);
        for (int s = 0; s < numSeqs; s++) {
            int[] blocks = Arrays.copyOfRange(order, s * blocksPerSeq, (s + 1) * blocksPerSeq);
            metadata.add(context - rows, rows, blocks, blocksPerSeq);
        }
        int width = (heads + 2 * kvHeads) * headDim;
        Tensor qkv = AttentionCase.tensor(numSeqs * rows, width);
        Random random = new Random(1);
        for (int i = 0; i < qkv.floats().length; i++) {
            qkv.floats()[i] = (float) random.nextGaussian();
        }
        Tensor out = AttentionCase.tensor(numSeqs * rows, heads * headDim);
        try (WorkerPool pool = new WorkerPool(Runtime.getRuntime().availableProcessors());
                PagedKvCache cache =
                        new CpuKvCache(pool).allocate(LAYERS, numBlocks, blockSize, kvHeads, headDim, type)) {
            for (int block = 0; block < numBlocks; block++) {
                ((CpuPagedKvCache) cache).prepare(block);
            }
            AttentionKernels attention = new CpuAttention(pool, LoopChoice.fastest());
            double best = Double.MAX_VALUE;
            long end = System.nanoTime() + 3_000_000_000L;
            while (System.nanoTime() < end) {
                long start = System.nanoTime();
                for (int layer = 0; layer < LAYERS; layer++) {
                    attention.attend(out, qkv, cache, layer, params, metadata);
                }
                best = Math.min(best, (System.nanoTime() - start) / 1e3 / LAYERS);
            }
            double bytes = 2.0 * numSeqs * context * kvHeads * headDim * type.sizeBytes();
            double keys = 0;
            for (int t = context - rows; t < context; t++) {
                keys += numSeqs * (t + 1.0);
            }
            double flop = 4.0 * keys * heads * headDim;
            System.out.printf(
                    "attend seqs=%d rows=%d context=%d heads=%d/%d dim=%d %s: %.1f µs, %.1f GB/s, %.1f GFLOP/s%n",
                    numSeqs, rows, context, heads, kvHeads, headDim, type, best, bytes / best / 1e3, flop / best / 1e3);
            assertThat(out.floats()[(int) out.offset()]).isNotNaN();
        }
    }

    private static int[] shuffled(int n) {
        int[] order = new int[n];
        Random random = new Random(2);
        for (int i = 0; i < n; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }
}
