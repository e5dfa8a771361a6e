package dev.quire.kernel.cpu;

/**
 * Philox4x32-10 (Salmon et al., 2011), a counter-based generator: no state, so a draw depends on nothing but key and
 * counter.
 */
final class Philox {
    private static final long MULTIPLIER_0 = 0xD2511F53L;
    private static final long MULTIPLIER_1 = 0xCD9E8D57L;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;
    private static final int ROUNDS = 10;

    private Philox() {}

    /**
     * The first 64 bits of the block with key words (low, high) of {@code key} and counter words (low, high, 0, 0) of
     * {@code counter}; word 0 is the low half.
     */
    static long bits(long key, long counter) {
        int k0 = (int) key;
        int k1 = (int) (key >>> 32);
        int c0 = (int) counter;
        int c1 = (int) (counter >>> 32);
        int c2 = 0;
        int c3 = 0;
        for (int round = 0; round < ROUNDS; round++) {
            long p0 = MULTIPLIER_0 * (c0 & 0xffffffffL);
            long p1 = MULTIPLIER_1 * (c2 & 0xffffffffL);
            c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
            c1 = (int) p1;
            c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
            c3 = (int) p0;
            k0 += WEYL_0;
            k1 += WEYL_1;
        }
        return (c0 & 0xffffffffL) | ((long) c1 << 32);
    }

    /** floor(bits / 2^64 × bound) for unsigned bits: uniform in [0, bound), bound below 2^63. */
    static long scale(long bits, long bound) {
        return Math.multiplyHigh(bits, bound) + ((bits >> 63) & bound);
    }
}
