package dev.quire.kernel.cpu;

import dev.quire.tensor.Tensor;

/**
 * Products of steps with many rows by a library, from a second copy of the weights in its own layout, outside the Java
 * heap. Called by one thread at a time.
 */
interface LargeProducts extends AutoCloseable {
    /** Fewer rows are bound by memory, and as fast or faster in the Vector API. */
    int MIN_ROWS = 16;

    /**
     * The library is built for OpenMP, which reads its number of threads from the environment alone, before the JVM could
     * set it. One: the threads of the pool call the library side by side. Teams of OpenMP's own would spin for
     * milliseconds after each product on the cores that the next kernel needs, and would not know how many cores a
     * container may use.
     */
    String THREADS_VARIABLE = "OMP_NUM_THREADS";

    /** The library's copy of a weight. */
    interface Matrix {
        /** As {@link CpuGemm#matmul}, sums in f32. Takes {@link #MIN_ROWS} rows or more. */
        void multiply(Tensor out, Tensor x, int numRows);
    }

    /**
     * Starts the library.
     *
     * @throws OneDnnUnavailableException in one line, when it is not for this platform or does not load
     */
    static LargeProducts open(WorkerPool pool) {
        if (!"1".equals(System.getenv(THREADS_VARIABLE))) {
            throw new OneDnnUnavailableException("oneDNN runs on Quire's threads and needs " + THREADS_VARIABLE
                    + "=1 in the environment, as ./quire sets it");
        }
        try {
            return new OneDnnProducts(pool);
        } catch (LinkageError | RuntimeException e) {
            // A missing class, a missing or foreign library, a preset that cannot be read: all mean "not here".
            String platform = System.getProperty("os.name") + " " + System.getProperty("os.arch");
            throw new OneDnnUnavailableException("oneDNN does not load on " + platform + " (" + e + ")", e);
        }
    }

    /** Whether activations are rounded to bf16: where the CPU multiplies bf16 itself. */
    boolean roundsActivations();

    /** Name, version and instruction set, for the log. */
    String description();

    /** Bytes that {@link #load} takes, about. */
    static long numBytes(CpuLinear linear) {
        long numBytes = 0;
        for (PackedMatrix part : linear.parts) {
            numBytes += 2L * Lanes.roundUp(part.rows, 64) * Lanes.roundUp(part.cols, 64);
        }
        return numBytes;
    }

    /** Copies a weight whose parts are all bf16. */
    Matrix load(CpuLinear linear);

    /** Frees everything, the matrices too. */
    @Override
    void close();
}
