package dev.quire.kvcache;

import java.util.Arrays;

/** Hash of a full block → the physical block that holds it: open addressing, no allocation after construction. */
final class PrefixCache {
    private static final int EMPTY = -1;

    private final long[] lows;
    private final long[] highs;
    private final int[] blocks;
    private final int mask;
    private int size;

    PrefixCache(int numBlocks) {
        int capacity = Integer.highestOneBit(Math.max(8, numBlocks) * 2 - 1) * 2;
        lows = new long[capacity];
        highs = new long[capacity];
        blocks = new int[capacity];
        Arrays.fill(blocks, EMPTY);
        mask = capacity - 1;
    }

    int size() {
        return size;
    }

    /** The block with this hash, or -1. */
    int find(long low, long high) {
        for (int i = (int) low & mask; ; i = (i + 1) & mask) {
            if (blocks[i] == EMPTY) {
                return EMPTY;
            }
            if (lows[i] == low && highs[i] == high) {
                return blocks[i];
            }
        }
    }

    /** Adds a hash that is not there yet. */
    void put(long low, long high, int block) {
        int i = (int) low & mask;
        while (blocks[i] != EMPTY) {
            i = (i + 1) & mask;
        }
        lows[i] = low;
        highs[i] = high;
        blocks[i] = block;
        size++;
    }

    /** Removes the hash, which must be there; later entries of the probe run move up (Knuth 6.4, Algorithm R). */
    void remove(long low, long high) {
        int hole = (int) low & mask;
        while (blocks[hole] == EMPTY || lows[hole] != low || highs[hole] != high) {
            if (blocks[hole] == EMPTY) {
                throw new IllegalStateException("hash to remove is not in the prefix cache");
            }
            hole = (hole + 1) & mask;
        }
        for (int i = (hole + 1) & mask; blocks[i] != EMPTY; i = (i + 1) & mask) {
            int home = (int) lows[i] & mask;
            boolean reachable = hole <= i ? home <= hole || home > i : home <= hole && home > i;
            if (reachable) {
                lows[hole] = lows[i];
                highs[hole] = highs[i];
                blocks[hole] = blocks[i];
                hole = i;
            }
        }
        blocks[hole] = EMPTY;
        size--;
    }
}
