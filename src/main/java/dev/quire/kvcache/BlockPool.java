package dev.quire.kvcache;

import java.util.Arrays;

/**
 * Free blocks in eviction order, reference counts, and the cached hash of each block. Taking a block may evict its
 * cached hash. Blocks nobody can hit again are taken first, then the least recently used cached ones.
 */
final class BlockPool {
    private static final int NONE = -1;

    private final int blockSize;
    private final int[] refCounts;
    private final boolean[] cached;
    private final long[] hashLows;
    private final long[] hashHighs;
    /** Tokens of cached blocks, to check a hit; empty when caching is off. */
    private final int[] tokens;

    private final PrefixCache prefixCache;

    /** Doubly linked list of free blocks through two arrays, with a sentinel at index numBlocks. */
    private final int[] previous;

    private final int[] next;
    private final int sentinel;
    private int numFree;

    BlockPool(int numBlocks, int blockSize, boolean caching) {
        this.blockSize = blockSize;
        refCounts = new int[numBlocks];
        cached = new boolean[numBlocks];
        hashLows = new long[caching ? numBlocks : 0];
        hashHighs = new long[caching ? numBlocks : 0];
        tokens = new int[caching ? Math.multiplyExact(numBlocks, blockSize) : 0];
        prefixCache = new PrefixCache(caching ? numBlocks : 1);
        previous = new int[numBlocks + 1];
        next = new int[numBlocks + 1];
        sentinel = numBlocks;
        previous[sentinel] = sentinel;
        next[sentinel] = sentinel;
        for (int block = 0; block < numBlocks; block++) {
            link(previous[sentinel], block);
        }
    }

    int numBlocks() {
        return refCounts.length;
    }

    int numFree() {
        return numFree;
    }

    int numCached() {
        return prefixCache.size();
    }

    boolean isFree(int block) {
        return refCounts[block] == 0;
    }

    int refCount(int block) {
        return refCounts[block];
    }

    /** Takes the first free block; the caller checked that there is one. */
    int take() {
        int block = next[sentinel];
        if (block == sentinel) {
            throw new IllegalStateException("no free block of " + numBlocks());
        }
        unlink(block);
        if (cached[block]) {
            uncache(block);
        }
        refCounts[block] = 1;
        return block;
    }

    /** One more owner of a block that has owners or is free with its content cached. */
    void retain(int block) {
        if (refCounts[block]++ == 0) {
            unlink(block);
        }
    }

    /** One owner less; without owners the block becomes free, its cached content stays until it is taken. */
    void release(int block) {
        int count = --refCounts[block];
        if (count < 0) {
            throw new IllegalStateException("block " + block + " released more often than retained");
        }
        if (count == 0) {
            link(cached[block] ? previous[sentinel] : sentinel, block);
        }
    }

    /** The block with this hash and these tokens, or -1. */
    int find(long low, long high, int[] sequenceTokens, int from) {
        int block = prefixCache.find(low, high);
        if (block == NONE) {
            return NONE;
        }
        int at = block * blockSize;
        return Arrays.equals(tokens, at, at + blockSize, sequenceTokens, from, from + blockSize) ? block : NONE;
    }

    /** Offers an owned, full block to the cache; the first block with a content wins. */
    void offer(int block, long low, long high, int[] sequenceTokens, int from) {
        if (cached[block] || prefixCache.find(low, high) != NONE) {
            return;
        }
        cached[block] = true;
        hashLows[block] = low;
        hashHighs[block] = high;
        System.arraycopy(sequenceTokens, from, tokens, block * blockSize, blockSize);
        prefixCache.put(low, high, block);
    }

    /** Forgets all cached content. */
    void resetCache() {
        for (int block = 0; block < refCounts.length; block++) {
            if (cached[block]) {
                uncache(block);
            }
        }
    }

    private void uncache(int block) {
        prefixCache.remove(hashLows[block], hashHighs[block]);
        cached[block] = false;
    }

    private void link(int after, int block) {
        previous[block] = after;
        next[block] = next[after];
        previous[next[after]] = block;
        next[after] = block;
        numFree++;
    }

    private void unlink(int block) {
        next[previous[block]] = next[block];
        previous[next[block]] = previous[block];
        numFree--;
    }

    /** Walks the free list and compares it with the counts. */
    void verify() {
        int listed = 0;
        for (int block = next[sentinel]; block != sentinel; block = next[block]) {
            if (refCounts[block] != 0) {
                throw new IllegalStateException(
                        "block " + block + " is in the free list with " + refCounts[block] + " owners");
            }
            listed++;
        }
        int unowned = 0;
        int numCachedBlocks = 0;
        for (int block = 0; block < refCounts.length; block++) {
            unowned += refCounts[block] == 0 ? 1 : 0;
            if (cached[block]) {
                numCachedBlocks++;
                if (prefixCache.find(hashLows[block], hashHighs[block]) != block) {
                    throw new IllegalStateException("cached block " + block + " cannot be found by its hash");
                }
            }
        }
        if (listed != numFree || unowned != numFree) {
            throw new IllegalStateException(
                    numFree + " blocks counted free, " + listed + " in the list, " + unowned + " without owner");
        }
        if (numCachedBlocks != prefixCache.size()) {
            throw new IllegalStateException(
                    numCachedBlocks + " blocks marked cached, " + prefixCache.size() + " in the table");
        }
    }
}
