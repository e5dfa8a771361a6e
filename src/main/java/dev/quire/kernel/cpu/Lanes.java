package dev.quire.kernel.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** The vector shape that every kernel here uses: the widest of this CPU. */
final class Lanes {
    static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;

    /** Floats in a vector: 16 with AVX-512, 8 with AVX2, 4 with NEON. */
    static final int COUNT = F.length();

    private Lanes() {}

    static int roundUp(int n, int multiple) {
        return Math.multiplyExact(n / multiple + (n % multiple == 0 ? 0 : 1), multiple);
    }
}
