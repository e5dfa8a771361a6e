package dev.quire.kernel.cuda;

/** The token that each slot's sequence sampled last, on the device: written by sampling, read by the next step's embedding. */
final class LastSampled implements AutoCloseable {
    /** More slots than any batch has. */
    static final int MAX_SLOTS = 1 << 16;

    private final DeviceMemory memory = DeviceMemory.allocate("last sampled tokens", (long) MAX_SLOTS * Integer.BYTES);

    LastSampled(CudaStream stream) {
        stream.fill(memory.address(), 0, memory.numBytes());
    }

    /** Device address of int32 [MAX_SLOTS]. */
    long address() {
        return memory.address();
    }

    @Override
    public void close() {
        memory.close();
    }
}
