package dev.quire.kvcache;

/**
 * The chained hash of full blocks: 128 bits over (parent hash, tokens of the block). The chain's root is salted per
 * process, so nobody outside can prepare collisions; a hit is checked for token equality besides.
 */
final class BlockHash {
    private static final long P1 = 0x9E3779B185EBCA87L;
    private static final long P2 = 0xC2B2AE3D27D4EB4FL;

    private BlockHash() {}

    static long low(long parentLow, int[] tokens, int from, int length) {
        long h = parentLow ^ P1;
        for (int i = from; i < from + length; i++) {
            h = Long.rotateLeft(h ^ (tokens[i] * P2), 31) * P1;
        }
        return mix(h ^ length);
    }

    static long high(long parentHigh, int[] tokens, int from, int length) {
        long h = parentHigh + P2;
        for (int i = from; i < from + length; i++) {
            h = (Long.rotateLeft(h, 27) + tokens[i]) * P2 ^ (h >>> 33);
        }
        return mix(h + length);
    }

    /** Finaliser of MurmurHash3. */
    static long mix(long h) {
        h ^= h >>> 33;
        h *= 0xff51afd7ed558ccdL;
        h ^= h >>> 33;
        h *= 0xc4ceb9fe1a85ec53L;
        return h ^ (h >>> 33);
    }
}
