package dev.quire.kernel.cpu;

/**
 * How the CPU backend runs.
 *
 * @param numThreads threads of the pool, the engine thread included
 * @param startsPlain begin with scalar loops, which are quick to compile, until {@link CpuBackend#prepare} has made the
 *     vector loops fast; both give the same bits
 * @param gemm what multiplies bf16 weights in steps of many rows
 * @param expandsTinyModels hold the integer weights of a model that has few of them as bf16, rounded: twice to four times
 *     the memory, which a cache then holds, for products without unpacking
 */
public record CpuOptions(int numThreads, boolean startsPlain, GemmPath gemm, boolean expandsTinyModels) {
    /** What multiplies bf16 weights in steps of 16 rows and more; smaller steps always run in the Vector API. */
    public enum GemmPath {
        /** oneDNN for models of 256 MiB and more, where it loads, has room and was measured to be faster. */
        AUTO,

        /** The Vector API: a row has the same bits in any step. No library is loaded. */
        VECTOR,

        /** oneDNN, or no start. A row's bits depend on whether its step had 16 rows. */
        ONEDNN
    }

    public CpuOptions {
        if (numThreads < 1) {
            throw new IllegalArgumentException("numThreads " + numThreads + ", at least 1");
        }
    }

    public CpuOptions(int numThreads, boolean startsPlain, GemmPath gemm) {
        this(numThreads, startsPlain, gemm, true);
    }

    public CpuOptions(int numThreads) {
        this(numThreads, false, GemmPath.AUTO);
    }

    /** The same, with every quantized matrix as exact as it is stored. */
    public CpuOptions withoutExpansion() {
        return new CpuOptions(numThreads, startsPlain, gemm, false);
    }

    /** One thread for each core that this process may use. */
    public static CpuOptions defaults() {
        return new CpuOptions(Runtime.getRuntime().availableProcessors());
    }
}
