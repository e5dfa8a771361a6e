package dev.quire.kernel.cpu;

import dev.quire.kernel.KvScales;
import dev.quire.kernel.PagedKvCache;
import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;

/**
 * K and V in Java arrays, laid out for attention that never sums across the lanes of a vector.
 *
 * <p>K of one block is [numKvHeads, blockSize / groupWidth, headDim, groupWidth]: the same dimension of neighbouring
 * keys is contiguous, so one vector holds one dimension of as many keys. groupWidth is {@link #GROUP}, or the block size
 * where that is no multiple of it. V of one block is [numKvHeads, blockSize, valueStride], with valueStride the headDim
 * rounded up to {@link #GROUP}, padded with zeros. F32 elements lie in float arrays, BF16 in short arrays, FP8 in
 * byte arrays; a layer has an array of each for a chunk of some hundred blocks, made when the first of them is written.
 */
final class CpuPagedKvCache implements PagedKvCache {
    /** Keys side by side; a multiple of the lanes of every vector shape up to 512 bits. */
    static final int GROUP = 16;

    private static final int MAX_ARRAY_LENGTH = 1 << 20;

    private final KvScales scales;
    private final int numLayers;
    private final int numBlocks;
    private final int blockSize;
    private final int numKvHeads;
    private final int headDim;
    private final DType type;
    private final int groupWidth;
    private final int valueStride;
    private final int blockKeys;
    private final int blockValues;
    private final int chunkShift;

    /** [layer][chunk]; the pairs of the other types stay empty. */
    private float[][][] floatKeys = {};

    private float[][][] floatValues = {};
    private short[][][] shortKeys = {};
    private short[][][] shortValues = {};
    private byte[][][] byteKeys = {};
    private byte[][][] byteValues = {};
    /** Chunks whose arrays are there. */
    private boolean[] present = {};

    CpuPagedKvCache(int numBlocks, int blockSize, int numKvHeads, int headDim, DType type, KvScales scales) {
        this(numBlocks, blockSize, numKvHeads, headDim, type, scales, MAX_ARRAY_LENGTH);
    }

    /** For tests: with a small {@code maxArrayLength} the arrays are split early. */
    CpuPagedKvCache(
            int numBlocks,
            int blockSize,
            int numKvHeads,
            int headDim,
            DType type,
            KvScales scales,
            int maxArrayLength) {
        this.scales = scales;
        numLayers = scales.numLayers();
        this.numBlocks = numBlocks;
        this.blockSize = blockSize;
        this.numKvHeads = numKvHeads;
        this.headDim = headDim;
        this.type = type;
        groupWidth = groupWidth(blockSize);
        valueStride = valueStride(headDim);
        blockKeys = Math.multiplyExact(numKvHeads * blockSize, headDim);
        blockValues = Math.multiplyExact(numKvHeads * blockSize, valueStride);
        int blocksPerChunk = Integer.highestOneBit(Math.max(1, maxArrayLength / blockValues));
        chunkShift = Integer.numberOfTrailingZeros(blocksPerChunk);
        allocate(blocksPerChunk);
    }

    static int groupWidth(int blockSize) {
        return blockSize % GROUP == 0 ? GROUP : blockSize;
    }

    static int valueStride(int headDim) {
        return (headDim + GROUP - 1) / GROUP * GROUP;
    }

    private void allocate(int blocksPerChunk) {
        int numChunks = (numBlocks + blocksPerChunk - 1) / blocksPerChunk;
        int floats = type == DType.F32 ? numLayers : 0;
        int shorts = type == DType.BF16 ? numLayers : 0;
        int bytes = type == DType.F8_E4M3 ? numLayers : 0;
        floatKeys = new float[floats][numChunks][];
        floatValues = new float[floats][numChunks][];
        shortKeys = new short[shorts][numChunks][];
        shortValues = new short[shorts][numChunks][];
        byteKeys = new byte[bytes][numChunks][];
        byteValues = new byte[bytes][numChunks][];
        present = new boolean[numChunks];
    }

    /**
     * Makes the arrays of a block's chunk when it is the first block of it that is ever written: a server that starts does
     * not wait for gigabytes of zeros, and one that is little used never takes them.
     */
    void prepare(int block) {
        int chunk = chunk(block);
        if (present[chunk]) {
            return;
        }
        int blocks = Math.min(1 << chunkShift, numBlocks - (chunk << chunkShift));
        for (int layer = 0; layer < numLayers; layer++) {
            if (type == DType.F32) {
                floatKeys[layer][chunk] = new float[blocks * blockKeys];
                floatValues[layer][chunk] = new float[blocks * blockValues];
            } else if (type == DType.BF16) {
                shortKeys[layer][chunk] = new short[blocks * blockKeys];
                shortValues[layer][chunk] = new short[blocks * blockValues];
            } else {
                byteKeys[layer][chunk] = new byte[blocks * blockKeys];
                byteValues[layer][chunk] = new byte[blocks * blockValues];
            }
        }
        present[chunk] = true;
    }

    DType type() {
        return type;
    }

    /** What a stored key of this layer stands for is the scale times it; 1 but for FP8. */
    float keyScale(int layer) {
        return type == DType.F8_E4M3 ? scales.key(layer) : 1f;
    }

    /** What a stored value of this layer stands for is the scale times it; 1 but for FP8. */
    float valueScale(int layer) {
        return type == DType.F8_E4M3 ? scales.value(layer) : 1f;
    }

    int groupWidth() {
        return groupWidth;
    }

    int valueStride() {
        return valueStride;
    }

    /** Which array of a layer holds a block. */
    int chunk(int block) {
        return block >>> chunkShift;
    }

    float[] floatKeys(int layer, int chunk) {
        return floatKeys[layer][chunk];
    }

    float[] floatValues(int layer, int chunk) {
        return floatValues[layer][chunk];
    }

    short[] shortKeys(int layer, int chunk) {
        return shortKeys[layer][chunk];
    }

    short[] shortValues(int layer, int chunk) {
        return shortValues[layer][chunk];
    }

    byte[] byteKeys(int layer, int chunk) {
        return byteKeys[layer][chunk];
    }

    byte[] byteValues(int layer, int chunk) {
        return byteValues[layer][chunk];
    }

    /** Where dimension 0 of a key lies in its array; dimension d is {@code d × groupWidth} further. */
    int keyOffset(int block, int kvHead, int offsetInBlock) {
        int group = offsetInBlock / groupWidth;
        int groups = blockSize / groupWidth;
        return (block - (chunk(block) << chunkShift)) * blockKeys
                + (kvHead * groups + group) * headDim * groupWidth
                + offsetInBlock % groupWidth;
    }

    /** Where dimension 0 of a value lies in its array. */
    int valueOffset(int block, int kvHead, int offsetInBlock) {
        return (block - (chunk(block) << chunkShift)) * blockValues
                + (kvHead * blockSize + offsetInBlock) * valueStride;
    }

    /** Copies one key as stored, unscaled, dimension d to {@code target[to + d × step]}. */
    void copyKey(int layer, int slot, int kvHead, float[] target, int to, int step) {
        int block = slot / blockSize;
        int at = keyOffset(block, kvHead, slot % blockSize);
        if (type == DType.F32) {
            copy(floatKeys[layer][chunk(block)], at, groupWidth, target, to, step);
        } else if (type == DType.F8_E4M3) {
            widen(byteKeys[layer][chunk(block)], at, groupWidth, target, to, step);
        } else {
            widen(shortKeys[layer][chunk(block)], at, groupWidth, target, to, step);
        }
    }

    /** Copies one value as stored, unscaled, dimension d to {@code target[to + d × step]}. */
    void copyValue(int layer, int slot, int kvHead, float[] target, int to, int step) {
        int block = slot / blockSize;
        int at = valueOffset(block, kvHead, slot % blockSize);
        if (type == DType.F32) {
            copy(floatValues[layer][chunk(block)], at, 1, target, to, step);
        } else if (type == DType.F8_E4M3) {
            widen(byteValues[layer][chunk(block)], at, 1, target, to, step);
        } else {
            widen(shortValues[layer][chunk(block)], at, 1, target, to, step);
        }
    }

    private void copy(float[] source, int at, int sourceStep, float[] target, int to, int step) {
        for (int d = 0; d < headDim; d++) {
            target[to + d * step] = source[at + d * sourceStep];
        }
    }

    private void widen(short[] source, int at, int sourceStep, float[] target, int to, int step) {
        for (int d = 0; d < headDim; d++) {
            target[to + d * step] = FloatBits.bf16ToFloat(source[at + d * sourceStep]);
        }
    }

    private void widen(byte[] source, int at, int sourceStep, float[] target, int to, int step) {
        for (int d = 0; d < headDim; d++) {
            target[to + d * step] = FloatBits.f8e4m3ToFloat(source[at + d * sourceStep]);
        }
    }

    @Override
    public int numLayers() {
        return numLayers;
    }

    @Override
    public int numBlocks() {
        return numBlocks;
    }

    @Override
    public int blockSize() {
        return blockSize;
    }

    @Override
    public int numKvHeads() {
        return numKvHeads;
    }

    @Override
    public int headDim() {
        return headDim;
    }

    /** Lets the collector have the arrays. */
    @Override
    public void close() {
        floatKeys = new float[0][][];
        floatValues = new float[0][][];
        shortKeys = new short[0][][];
        shortValues = new short[0][][];
        byteKeys = new byte[0][][];
        byteValues = new byte[0][][];
    }
}
