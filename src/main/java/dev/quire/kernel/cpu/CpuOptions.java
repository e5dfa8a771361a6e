package dev.quire.kernel.cpu;

/**
 * How the CPU backend runs.
 *
 * @param numThreads threads of the pool, the engine thread included
 * @param startsPlain begin with scalar loops, which are quick to compile, until {@link CpuBackend#prepare} has made the
 *     vector loops fast; both give the same bits
 */
public record CpuOptions(int numThreads, boolean startsPlain) {
    public CpuOptions {
        if (numThreads < 1) {
            throw new IllegalArgumentException("numThreads " + numThreads + ", at least 1");
        }
    }

    public CpuOptions(int numThreads) {
        this(numThreads, false);
    }

    /** One thread for each core that this process may use. */
    public static CpuOptions defaults() {
        return new CpuOptions(Runtime.getRuntime().availableProcessors());
    }
}
