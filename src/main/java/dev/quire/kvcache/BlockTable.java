package dev.quire.kvcache;

import java.util.Arrays;

/**
 * Logical block index → physical block id of one sequence; append-only while the sequence holds blocks. It also keeps
 * the hashes of the sequence's full blocks, which depend on its tokens alone and so outlive the blocks.
 */
public final class BlockTable {
    private int[] blocks = new int[8];
    private int numBlocks;

    /** Hash pairs (low, high) of full blocks; valid in [0, 2 × numHashed). */
    private long[] hashes = new long[16];

    private int numHashed;
    /** Leading blocks that are offered to the prefix cache already. */
    int numOffered;

    /** Physical ids in logical order; valid in [0, {@link #numBlocks}). The array is replaced when it grows. */
    public int[] blocks() {
        return blocks;
    }

    public int numBlocks() {
        return numBlocks;
    }

    int block(int index) {
        return blocks[index];
    }

    void append(int block) {
        if (numBlocks == blocks.length) {
            blocks = Arrays.copyOf(blocks, 2 * numBlocks);
        }
        blocks[numBlocks++] = block;
    }

    void clear() {
        // A fresh array: an order in flight may still hold the old one.
        blocks = new int[8];
        numBlocks = 0;
        numOffered = 0;
    }

    /** Makes hashes of blocks [0, count) available. */
    void hashUpTo(int count, int[] tokens, int blockSize, long rootLow, long rootHigh) {
        if (2 * count > hashes.length) {
            hashes = Arrays.copyOf(hashes, Math.max(2 * count, 2 * hashes.length));
        }
        for (; numHashed < count; numHashed++) {
            int at = 2 * numHashed;
            long parentLow = numHashed == 0 ? rootLow : hashes[at - 2];
            long parentHigh = numHashed == 0 ? rootHigh : hashes[at - 1];
            hashes[at] = BlockHash.low(parentLow, tokens, numHashed * blockSize, blockSize);
            hashes[at + 1] = BlockHash.high(parentHigh, tokens, numHashed * blockSize, blockSize);
        }
    }

    long hashLow(int index) {
        return hashes[2 * index];
    }

    long hashHigh(int index) {
        return hashes[2 * index + 1];
    }

    @Override
    public String toString() {
        return Arrays.toString(Arrays.copyOf(blocks, numBlocks));
    }
}
