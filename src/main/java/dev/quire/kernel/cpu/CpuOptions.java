package dev.quire.kernel.cpu;

/**
 * How the CPU backend runs.
 *
 * @param numThreads threads of the pool, the engine thread included
 */
public record CpuOptions(int numThreads) {
    public CpuOptions {
        if (numThreads < 1) {
            throw new IllegalArgumentException("numThreads " + numThreads + ", at least 1");
        }
    }

    /** One thread for each core that this process may use. */
    public static CpuOptions defaults() {
        return new CpuOptions(Runtime.getRuntime().availableProcessors());
    }
}
