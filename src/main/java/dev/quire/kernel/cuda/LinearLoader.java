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

    /**
     * Bytes beyond the matrices and the products' operands, for the matrices that {@link #residentBytes} was asked about or
     * that are loaded, and products of up to {@code maxRows} rows.
     */
    default long scratchBytes(int maxRows) {
        return 0;
    }

    /** Takes what products of up to {@code maxRows} rows need, once all matrices are loaded. */
    default void reserve(int maxRows) {}
}
