package dev.quire.kvcache;

import java.util.Collection;

/**
 * Gives sequences the blocks for their tokens, all or nothing, and lets later prompts reuse full blocks by their
 * content. A cached prefix never includes a sequence's last token, whose logits are needed.
 */
public final class KvCacheManager {
    private final int blockSize;
    private final boolean caching;
    private final long rootSeed;
    private final BlockPool pool;
    private long numQueries;
    private long numHits;

    /**
     * @param rootSeed salts all hashes; random in production
     */
    public KvCacheManager(int numBlocks, int blockSize, boolean enablePrefixCaching, long rootSeed) {
        if (numBlocks < 1 || blockSize < 1) {
            throw new IllegalArgumentException("need blocks, got " + numBlocks + " of " + blockSize + " tokens");
        }
        this.blockSize = blockSize;
        this.caching = enablePrefixCaching;
        this.rootSeed = rootSeed;
        pool = new BlockPool(numBlocks, blockSize, enablePrefixCaching);
    }

    /** Tokens all blocks hold together. */
    public long capacityTokens() {
        return (long) pool.numBlocks() * blockSize;
    }

    /**
     * Gives an empty table the cached blocks of its longest known prefix and fresh blocks for the rest; all or nothing.
     *
     * @param tokens the sequence's tokens, {@code numTokens} of them
     * @param salt sequences of different salts share nothing
     * @param numReserved blocks that must stay free
     * @return number of leading tokens whose K and V are there already, or -1 when the blocks do not suffice
     */
    public int admit(BlockTable table, int[] tokens, int numTokens, long salt, int numReserved) {
        requireEmpty(table);
        int numMatched = 0;
        int numMatchedFree = 0;
        if (caching) {
            int limit = (numTokens - 1) / blockSize;
            hash(table, tokens, limit, salt);
            for (; numMatched < limit; numMatched++) {
                int block = find(table, numMatched, tokens);
                if (block < 0) {
                    break;
                }
                numMatchedFree += pool.isFree(block) ? 1 : 0;
            }
        }
        int needed = blocksFor(numTokens) - numMatched;
        if (needed + numMatchedFree + numReserved > pool.numFree()) {
            return -1;
        }
        for (int i = 0; i < numMatched; i++) {
            int block = find(table, i, tokens);
            pool.retain(block);
            table.append(block);
        }
        table.numOffered = numMatched;
        take(table, needed);
        return numMatched * blockSize;
    }

    /**
     * Gives an empty table the first full blocks of a sibling that computed the same prompt, and fresh blocks for the
     * rest of {@code numTokens}; all or nothing. Returns as {@link #admit}.
     */
    public int fork(BlockTable table, BlockTable sibling, int numPromptTokens, int numTokens, int numReserved) {
        requireEmpty(table);
        int numShared = (numPromptTokens - 1) / blockSize;
        int needed = blocksFor(numTokens) - numShared;
        if (needed + numReserved > pool.numFree()) {
            return -1;
        }
        for (int i = 0; i < numShared; i++) {
            pool.retain(sibling.block(i));
            table.append(sibling.block(i));
        }
        table.numOffered = numShared;
        take(table, needed);
        return numShared * blockSize;
    }

    /**
     * Makes room for the first {@code numTokens} tokens and leaves {@code numReserved} blocks free; false, and nothing
     * taken, when the blocks do not suffice.
     */
    public boolean allocate(BlockTable table, int numTokens, int numReserved) {
        int needed = blocksFor(numTokens) - table.numBlocks();
        if (needed > 0 && needed + numReserved > pool.numFree()) {
            return false;
        }
        take(table, needed);
        return true;
    }

    /** Offers the blocks that the first {@code numComputedTokens} tokens fill to later prompts. */
    public void cacheFullBlocks(BlockTable table, int[] tokens, int numComputedTokens, long salt) {
        int numFull = numComputedTokens / blockSize;
        if (!caching || numFull <= table.numOffered) {
            return;
        }
        hash(table, tokens, numFull, salt);
        for (int i = table.numOffered; i < numFull; i++) {
            pool.offer(table.block(i), table.hashLow(i), table.hashHigh(i), tokens, i * blockSize);
        }
        table.numOffered = numFull;
    }

    /** Gives all blocks back, tail first, so that the tail is evicted before the prefix. */
    public void free(BlockTable table) {
        for (int i = table.numBlocks() - 1; i >= 0; i--) {
            pool.release(table.block(i));
        }
        table.clear();
    }

    /** Forgets all cached content; running sequences keep their blocks. */
    public void resetPrefixCache() {
        pool.resetCache();
    }

    /** Counts a look-up of a new prompt for the hit rate, in tokens. */
    public void countQuery(int numTokens, int numCachedTokens) {
        if (caching) {
            numQueries += numTokens;
            numHits += numCachedTokens;
        }
    }

    public long numQueries() {
        return numQueries;
    }

    public long numHits() {
        return numHits;
    }

    public int blockSize() {
        return blockSize;
    }

    public int numBlocks() {
        return pool.numBlocks();
    }

    public int numFreeBlocks() {
        return pool.numFree();
    }

    public int numCachedBlocks() {
        return pool.numCached();
    }

    /**
     * Checks that every block is owned exactly by the given tables, free blocks by nobody.
     *
     * @throws IllegalStateException naming the first block that is wrong
     */
    public void verify(Collection<BlockTable> tables) {
        int[] owners = new int[pool.numBlocks()];
        for (BlockTable table : tables) {
            for (int i = 0; i < table.numBlocks(); i++) {
                owners[table.block(i)]++;
            }
        }
        for (int block = 0; block < owners.length; block++) {
            if (owners[block] != pool.refCount(block)) {
                throw new IllegalStateException("block " + block + " is in " + owners[block] + " tables but counts "
                        + pool.refCount(block) + " owners");
            }
        }
        pool.verify();
    }

    private int blocksFor(int numTokens) {
        return (numTokens + blockSize - 1) / blockSize;
    }

    private void take(BlockTable table, int count) {
        for (int i = 0; i < count; i++) {
            table.append(pool.take());
        }
    }

    private int find(BlockTable table, int index, int[] tokens) {
        return pool.find(table.hashLow(index), table.hashHigh(index), tokens, index * blockSize);
    }

    private void hash(BlockTable table, int[] tokens, int count, long salt) {
        table.hashUpTo(count, tokens, blockSize, BlockHash.mix(rootSeed ^ salt), BlockHash.mix(rootSeed + 31 * salt));
    }

    private static void requireEmpty(BlockTable table) {
        if (table.numBlocks() != 0) {
            throw new IllegalStateException("sequence already holds " + table.numBlocks() + " blocks");
        }
    }
}
