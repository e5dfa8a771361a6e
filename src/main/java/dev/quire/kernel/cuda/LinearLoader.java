package dev.quire.kernel.cuda;

import dev.quire.kernel.LinearWeight;

/** Takes matrices of one kind to the device, neighbours of a stack as one where they have the same form. */
interface LinearLoader {
    /** Whether this loader keeps the matrix; of several, the first that does takes it. */
    boolean takes(LinearWeight.Leaf leaf);

    /** Whether two neighbours in a stack, both taken by this loader, are one matrix on the device. */
    boolean joins(LinearWeight.Leaf first, LinearWeight.Leaf next);

    /** @param weight a leaf that this loader takes, or a stack of such that join; uploads may go on after the return */
    CudaLinear load(LinearWeight weight);

    /** Bytes that {@link #load} keeps on the device. */
    long residentBytes(LinearWeight weight);

    /** What products with the matrix need of the memory that all of them share. */
    default RoundingScratch.Demand scratch(LinearWeight weight) {
        return RoundingScratch.Demand.NONE;
    }
}
