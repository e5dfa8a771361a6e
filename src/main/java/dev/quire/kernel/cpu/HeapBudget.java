package dev.quire.kernel.cpu;

import dev.quire.tensor.OutOfDeviceMemoryException;

/**
 * What the Java heap can still take. Everything this backend keeps (weights, KV blocks, activations) lies in heap
 * arrays, so its device memory is {@code -Xmx}; a part stays free for requests, text and the collector.
 */
final class HeapBudget {
    private static final int RESERVED_FRACTION = 16;
    private static final int WORTH_COLLECTING_FRACTION = 64;
    private static final long MAX_RESERVED_BYTES = 512L << 20;

    /**
     * Bytes that may still be allocated. Collects garbage first where it could make a difference, as what was read while
     * loading counts as used: not for the step path.
     */
    long availableBytes() {
        Runtime runtime = Runtime.getRuntime();
        if (runtime.totalMemory() - runtime.freeMemory() > runtime.maxMemory() / WORTH_COLLECTING_FRACTION) {
            System.gc();
        }
        return freeBytes();
    }

    /** Throws OutOfDeviceMemoryException when {@code numBytes} do not fit. */
    void require(String what, long numBytes) {
        if (numBytes <= freeBytes()) {
            return;
        }
        long available = availableBytes();
        if (numBytes > available) {
            throw new OutOfDeviceMemoryException(what + " needs " + numBytes + " bytes, " + available
                    + " are available of a heap of " + Runtime.getRuntime().maxMemory() + " (-Xmx)");
        }
    }

    private static long freeBytes() {
        Runtime runtime = Runtime.getRuntime();
        long max = runtime.maxMemory();
        long used = runtime.totalMemory() - runtime.freeMemory();
        return Math.max(0, max - used - Math.min(max / RESERVED_FRACTION, MAX_RESERVED_BYTES));
    }
}
