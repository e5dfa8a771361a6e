package dev.quire.kernel.cpu;

import dev.quire.tensor.DType;

/**
 * K and V of {@link AttentionTile#KEYS} neighbouring positions of one KV head as float vectors: in place in the cache
 * where they lie there so, else copied.
 */
final class KeyTile {
    private static final int KEYS = AttentionTile.KEYS;
    private static final int GROUP = CpuPagedKvCache.GROUP;
    private static final int L = Lanes.COUNT;
    private static final int VECTORS_PER_GROUP = GROUP / L;

    /** Where the keys are: vector u holds dimension d of {@link Lanes#COUNT} keys at keyAt[u] + d × GROUP. */
    float[] keys = {};

    final int[] keyAt = new int[KEYS / L];
    /** Index in the tile of the first key of vector u. */
    final int[] scoreAt = new int[KEYS / L];
    /** Vectors in use; up to the next multiple of 4 the last one is repeated. */
    int numVectors;

    /** The keys of these vectors, in the tile: whole groups around the keys asked. */
    int scoreBegin;

    int scoreEnd;

    /** Where the value of key j is. */
    float[] values = {};

    final int[] valueAt = new int[KEYS];

    private float[] keyScratch = {};
    private float[] valueScratch = {};
    private final int[] groupAt = new int[KEYS / GROUP];

    /** Loads the keys [from, to) of the tile that starts at position {@code base}. */
    void load(AttentionLoops loops, AttentionPlan plan, int tile, int base, int from, int to) {
        CpuPagedKvCache cache = plan.cache;
        int[] blockTables = plan.metadata.blockTables;
        int blocks = plan.tileSeq[tile] * plan.metadata.maxBlocksPerSeq;
        int head = plan.tileHead[tile];
        int firstGroup = from / GROUP;
        int endGroup = (to + GROUP - 1) / GROUP;
        if (cache.groupWidth() != GROUP) {
            gather(cache, plan.layer, blockTables, blocks, head, base, from, to);
        } else if (cache.type() == DType.F32 && inOneArray(cache, blockTables, blocks, base, firstGroup, endGroup)) {
            for (int g = firstGroup; g < endGroup; g++) {
                int position = base + g * GROUP;
                int block = blockTables[blocks + position / cache.blockSize()];
                groupAt[g] = cache.keyOffset(block, head, position % cache.blockSize());
                listValues(g, cache.valueOffset(block, head, position % cache.blockSize()), cache.valueStride());
                keys = cache.floatKeys(plan.layer, cache.chunk(block));
                values = cache.floatValues(plan.layer, cache.chunk(block));
            }
        } else {
            copyGroups(loops, cache, plan.layer, blockTables, blocks, head, base, firstGroup, endGroup);
        }
        listVectors(firstGroup, endGroup);
    }

    private static boolean inOneArray(
            CpuPagedKvCache cache, int[] blockTables, int blocks, int base, int firstGroup, int endGroup) {
        int chunk = cache.chunk(blockTables[blocks + (base + firstGroup * GROUP) / cache.blockSize()]);
        for (int g = firstGroup + 1; g < endGroup; g++) {
            if (cache.chunk(blockTables[blocks + (base + g * GROUP) / cache.blockSize()]) != chunk) {
                return false;
            }
        }
        return true;
    }

    private void listValues(int group, int at, int stride) {
        for (int i = 0; i < GROUP; i++) {
            valueAt[group * GROUP + i] = at + i * stride;
        }
    }

    private void listVectors(int firstGroup, int endGroup) {
        scoreBegin = firstGroup * GROUP;
        scoreEnd = endGroup * GROUP;
        numVectors = 0;
        for (int g = firstGroup; g < endGroup; g++) {
            for (int i = 0; i < VECTORS_PER_GROUP; i++) {
                keyAt[numVectors] = groupAt[g] + i * L;
                scoreAt[numVectors++] = g * GROUP + i * L;
            }
        }
        for (int u = numVectors; u % 4 != 0; u++) {
            keyAt[u] = keyAt[u - 1];
            scoreAt[u] = scoreAt[u - 1];
        }
    }

    private void useScratch(CpuPagedKvCache cache) {
        int dim = cache.headDim();
        int stride = cache.valueStride();
        if (keyScratch.length < KEYS * dim || valueScratch.length < KEYS * stride) {
            keyScratch = new float[KEYS * dim];
            valueScratch = new float[KEYS * stride];
        }
        keys = keyScratch;
        values = valueScratch;
        for (int g = 0; g < groupAt.length; g++) {
            groupAt[g] = g * GROUP * dim;
            listValues(g, g * GROUP * stride, stride);
        }
    }

    private void copyGroups(
            AttentionLoops loops,
            CpuPagedKvCache cache,
            int layer,
            int[] blockTables,
            int blocks,
            int head,
            int base,
            int firstGroup,
            int endGroup) {
        useScratch(cache);
        int numKeys = GROUP * cache.headDim();
        int numValues = GROUP * cache.valueStride();
        for (int g = firstGroup; g < endGroup; g++) {
            int position = base + g * GROUP;
            int block = blockTables[blocks + position / cache.blockSize()];
            int chunk = cache.chunk(block);
            int key = cache.keyOffset(block, head, position % cache.blockSize());
            int value = cache.valueOffset(block, head, position % cache.blockSize());
            if (cache.type() == DType.F32) {
                System.arraycopy(cache.floatKeys(layer, chunk), key, keys, groupAt[g], numKeys);
                System.arraycopy(cache.floatValues(layer, chunk), value, values, g * numValues, numValues);
            } else if (cache.type() == DType.F8_E4M3) {
                loops.widen(cache.byteKeys(layer, chunk), key, keys, groupAt[g], numKeys);
                loops.widen(cache.byteValues(layer, chunk), value, values, g * numValues, numValues);
            } else {
                loops.widen(cache.shortKeys(layer, chunk), key, keys, groupAt[g], numKeys);
                loops.widen(cache.shortValues(layer, chunk), value, values, g * numValues, numValues);
            }
        }
    }

    /** Block sizes that are no multiple of a group: key by key. */
    private void gather(
            CpuPagedKvCache cache, int layer, int[] blockTables, int blocks, int head, int base, int from, int to) {
        useScratch(cache);
        int dim = cache.headDim();
        for (int j = from; j < to; j++) {
            int block = blockTables[blocks + (base + j) / cache.blockSize()];
            int slot = block * cache.blockSize() + (base + j) % cache.blockSize();
            cache.copyKey(layer, slot, head, keys, j / GROUP * GROUP * dim + j % GROUP, GROUP);
            cache.copyValue(layer, slot, head, values, j * cache.valueStride(), 1);
        }
    }
}
