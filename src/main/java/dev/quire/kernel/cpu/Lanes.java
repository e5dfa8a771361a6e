package dev.quire.kernel.cpu;

/** Floats in a vector, which the layout of packed weights follows. */
final class Lanes {
    private static final int WITHOUT_VECTORS = 8;

    /** 16 with AVX-512, 8 with AVX2, 4 with NEON. */
    static final int COUNT = VectorModule.isPresent() ? Species.F.length() : WITHOUT_VECTORS;

    private Lanes() {}

    static int roundUp(int n, int multiple) {
        return Math.multiplyExact(n / multiple + (n % multiple == 0 ? 0 : 1), multiple);
    }
}
