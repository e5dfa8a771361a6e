package dev.quire.kernel.cpu;

/** Spreads rows evenly over the pool, or keeps them on the caller when there is less work than a hand-over costs. */
final class RowSpread {
    /** About 5 µs of streaming work. */
    private static final int MIN_ELEMENTS_PER_TASK = 16 << 10;

    private final WorkerPool pool;
    private int numRows;
    private int numTasks;

    RowSpread(WorkerPool pool) {
        this.pool = pool;
    }

    /** Runs {@code task} over parts of [0, numRows): part t is [first(t), first(t + 1)). */
    void run(int numRows, int elementsPerRow, WorkerPool.Task task) {
        long wanted = (long) numRows * elementsPerRow / MIN_ELEMENTS_PER_TASK;
        this.numRows = numRows;
        // Two parts a thread: evens out a core that another process slows down.
        numTasks = (int) Math.max(1, Math.min(wanted, Math.min(numRows, 2L * pool.numThreads())));
        pool.run(numTasks, task);
    }

    int first(int task) {
        return (int) ((long) numRows * task / numTasks);
    }
}
