package dev.quire.kernel.cpu;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fixed set of threads that runs the tasks of one call at a time; the caller takes part. A call allocates nothing and
 * costs a few microseconds while the workers are still spinning from the call before; idle workers park.
 */
public final class WorkerPool implements AutoCloseable {
    /** Part {@code task} of a call, 0 ≤ task &lt; numTasks; may run on any thread of the pool. */
    public interface Task {
        void run(int task);
    }

    /** How long a thread spins before it parks: longer than the gap between two kernels of a step. */
    private static final long SPIN_NANOS = 50_000;

    private static final int SPINS_PER_CLOCK_READ = 64;

    private final Worker[] workers;

    /**
     * High half: number of the call. Low half: its tasks that nobody has claimed yet. One compare-and-set claims a task
     * of exactly this call, so a late worker can never take a task of the next call with the previous call's code.
     */
    private final AtomicLong ticket = new AtomicLong();

    /** Tasks of this call that have not ended. */
    private final AtomicInteger pending = new AtomicInteger();

    private final AtomicBoolean busy = new AtomicBoolean();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    /** Written before the ticket is published, constant until the call ends. */
    private @Nullable Task task;

    private int numTasks;

    private volatile @Nullable Thread waitingCaller;
    private volatile boolean closed;

    /** A pool of {@code numThreads} threads, the caller among them: it starts one less. */
    public WorkerPool(int numThreads) {
        if (numThreads < 1) {
            throw new IllegalArgumentException("numThreads " + numThreads);
        }
        workers = new Worker[numThreads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker("quire-cpu-" + (i + 1));
            workers[i].start();
        }
    }

    /** Threads that work on a call, the caller included. */
    public int numThreads() {
        return workers.length + 1;
    }

    /**
     * Runs task.run(0) … task.run(numTasks - 1), in any order and on any of the threads, and returns when all have ended.
     * After a task has thrown, tasks not yet begun are skipped and the exception is thrown here.
     *
     * @throws IllegalStateException when a call is already under way: calls are neither nested nor concurrent
     */
    public void run(int numTasks, Task task) {
        if (closed) {
            throw new IllegalStateException("worker pool is closed");
        }
        if (!busy.compareAndSet(false, true)) {
            throw new IllegalStateException("worker pool is already running a call: no nested or concurrent calls");
        }
        try {
            if (numTasks <= 1 || workers.length == 0) {
                for (int i = 0; i < numTasks; i++) {
                    task.run(i);
                }
            } else {
                spread(numTasks, task);
            }
        } finally {
            this.task = null;
            busy.set(false);
        }
    }

    private void spread(int numTasks, Task task) {
        this.task = task;
        this.numTasks = numTasks;
        failure.set(null);
        pending.set(numTasks);
        ticket.set((ticket.get() >>> 32) + 1 << 32 | numTasks);
        for (Worker worker : workers) {
            if (worker.parked) {
                LockSupport.unpark(worker);
            }
        }
        while (runOne()) {}
        awaitPending();
        Throwable thrown = failure.getAndSet(null);
        if (thrown != null) {
            rethrow(thrown);
        }
    }

    private void awaitPending() {
        if (spinUntilDone()) {
            return;
        }
        waitingCaller = Thread.currentThread();
        boolean interrupted = false;
        while (pending.get() != 0) {
            LockSupport.park(this);
            interrupted |= Thread.interrupted();
        }
        waitingCaller = null;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean spinUntilDone() {
        long start = System.nanoTime();
        do {
            for (int i = 0; i < SPINS_PER_CLOCK_READ; i++) {
                if (pending.get() == 0) {
                    return true;
                }
                Thread.onSpinWait();
            }
        } while (System.nanoTime() - start < SPIN_NANOS);
        return false;
    }

    /** Claims and runs one task; false when none is left to claim. */
    private boolean runOne() {
        long seen = ticket.get();
        int unclaimed = (int) seen;
        if (unclaimed == 0) {
            return false;
        }
        if (!ticket.compareAndSet(seen, seen - 1)) {
            return true;
        }
        try {
            if (failure.get() == null) {
                task.run(numTasks - unclaimed);
            }
        } catch (Throwable e) {
            failure.compareAndSet(null, e);
        }
        if (pending.decrementAndGet() == 0) {
            Thread caller = waitingCaller;
            if (caller != null) {
                LockSupport.unpark(caller);
            }
        }
        return true;
    }

    private static void rethrow(Throwable thrown) {
        if (thrown instanceof Error error) {
            throw error;
        }
        if (thrown instanceof RuntimeException exception) {
            throw exception;
        }
        throw new IllegalStateException(thrown);
    }

    /** Stops the threads; a call under way ends first. */
    @Override
    public void close() {
        closed = true;
        for (Worker worker : workers) {
            LockSupport.unpark(worker);
        }
    }

    private final class Worker extends Thread {
        private volatile boolean parked;

        Worker(String name) {
            super(name);
            setDaemon(true);
        }

        @Override
        public void run() {
            while (true) {
                if (!runOne() && !spinForTask()) {
                    if (closed) {
                        return;
                    }
                    parked = true;
                    // Published before this look: a caller either sees the flag or its ticket is seen here.
                    if ((int) ticket.get() == 0 && !closed) {
                        LockSupport.park(WorkerPool.this);
                    }
                    parked = false;
                }
            }
        }

        private boolean spinForTask() {
            long start = System.nanoTime();
            do {
                for (int i = 0; i < SPINS_PER_CLOCK_READ; i++) {
                    if ((int) ticket.get() != 0) {
                        return true;
                    }
                    Thread.onSpinWait();
                }
            } while (System.nanoTime() - start < SPIN_NANOS);
            return false;
        }
    }
}
