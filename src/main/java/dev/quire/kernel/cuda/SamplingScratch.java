package dev.quire.kernel.cuda;

import org.jspecify.annotations.Nullable;

/** What the sampling kernels keep on the device between their phases; grows to the largest call. */
final class SamplingScratch implements AutoCloseable {
    /** Ids of one block. */
    static final int TILE = 8192;

    private static final int CHUNK = 512;
    private static final int NUM_BINS = 1024;
    private static final int MAX_RANGE = 4096;
    private static final int STATE_BYTES = 64;
    private static final int PART_BYTES = 16;
    /** Blocks that fill a large device twice. */
    private static final int TARGET_BLOCKS = 528;

    private final CudaStream stream;
    private @Nullable DeviceMemory block;
    private @Nullable DeviceMemory raw;
    private int maxRows;
    private int vocabSize;
    private int maxTop;

    // Device addresses.
    long states;
    long arrivals;
    long counts;
    long sums;
    long list;
    long chunkSums;
    long parts;
    long partKeys;

    SamplingScratch(CudaStream stream) {
        this.stream = stream;
    }

    static int numTiles(int vocabSize) {
        return (vocabSize + TILE - 1) / TILE;
    }

    /** Blocks that share a row. */
    static int splits(int numRows, int vocabSize) {
        return Math.max(1, Math.min(numTiles(vocabSize), TARGET_BLOCKS / numRows));
    }

    /** Bytes for such calls, raw logits aside. */
    static long bytes(long rows, long vocab, long numTop) {
        long histograms = Math.max(rows, TARGET_BLOCKS) * NUM_BINS;
        return rows * (STATE_BYTES + 16)
                + histograms * (Integer.BYTES + Long.BYTES)
                + rows * MAX_RANGE * Long.BYTES
                + rows * ((vocab + CHUNK - 1) / CHUNK) * Long.BYTES
                + rows * numTiles((int) vocab) * (PART_BYTES + numTop * Long.BYTES)
                + 16;
    }

    /** @param numTop best ids of a row that kernels report */
    void reserve(int numRows, int vocab, int numTop) {
        if (numRows <= maxRows && vocab <= vocabSize && numTop <= maxTop) {
            return;
        }
        maxRows = Math.max(maxRows, numRows);
        vocabSize = Math.max(vocabSize, vocab);
        maxTop = Math.max(maxTop, numTop);
        long rows = maxRows;
        long tiles = numTiles(vocabSize);
        long histograms = Math.max(rows, TARGET_BLOCKS) * NUM_BINS;
        long zeroed = rows * (STATE_BYTES + 16);
        release(block);
        block = DeviceMemory.allocate("sampling", bytes(maxRows, vocabSize, maxTop));
        states = block.address();
        arrivals = states + rows * STATE_BYTES;
        sums = states + zeroed;
        counts = sums + histograms * Long.BYTES;
        list = counts + histograms * Integer.BYTES;
        chunkSums = list + rows * MAX_RANGE * Long.BYTES;
        parts = align(chunkSums + rows * ((vocabSize + CHUNK - 1) / CHUNK) * Long.BYTES);
        partKeys = parts + rows * tiles * PART_BYTES;
        stream.fill(states, 0, zeroed);
    }

    private static long align(long address) {
        return (address + 15) & ~15L;
    }

    /** Device address of room for raw logits, f32 [numRows, rowStride]; 0 for none. */
    long raw(int numRows, int rowStride) {
        if (numRows == 0) {
            return 0;
        }
        long needed = (long) numRows * rowStride * Float.BYTES;
        if (raw == null || raw.numBytes() < needed) {
            release(raw);
            raw = null;
            raw = DeviceMemory.allocate("raw logits", needed);
        }
        return raw.address();
    }

    private void release(@Nullable DeviceMemory memory) {
        if (memory != null) {
            stream.synchronize();
            memory.close();
        }
    }

    @Override
    public void close() {
        release(block);
        release(raw);
        block = null;
        raw = null;
        maxRows = 0;
    }
}
