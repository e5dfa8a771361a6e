package dev.quire.kernel.cpu;

import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Has the JVM compile the vector loops, then takes them into use: as soon as they have beaten the plain loops on the same
 * work, several times in a row. Where that never happens (a JVM whose compiler knows no vectors) the plain loops stay.
 */
final class LoopWarmUp {
    private static final Logger LOG = Logger.getLogger(LoopWarmUp.class.getName());
    private static final int WINS = 5;
    private static final long GIVE_UP_NANOS = 120_000_000_000L;

    private final LoopChoice choice;
    private final List<CpuLinear> linears;

    /** @param linears one of each kind of weights */
    LoopWarmUp(LoopChoice choice, List<CpuLinear> linears) {
        this.choice = choice;
        this.linears = linears;
    }

    /** Returns when the choice is made; ends early when the thread is interrupted. */
    void run() {
        CpuLoops vector = CpuLoops.vector();
        try (WorkerPool pool = new WorkerPool(1)) {
            LoopExercise fast = new LoopExercise(pool, new LoopChoice(vector), linears);
            LoopExercise plain = new LoopExercise(pool, new LoopChoice(CpuLoops.plain()), linears);
            long start = System.nanoTime();
            int wins = 0;
            while (wins < WINS && !Thread.currentThread().isInterrupted()) {
                long t0 = System.nanoTime();
                fast.run();
                long t1 = System.nanoTime();
                plain.run();
                long t2 = System.nanoTime();
                wins = t1 - t0 < t2 - t1 ? wins + 1 : 0;
                if (t2 - start > GIVE_UP_NANOS) {
                    LOG.log(Level.WARNING, "this JVM does not compile the Vector API well: {0} stay", "scalar loops");
                    return;
                }
            }
        }
        if (!Thread.currentThread().isInterrupted()) {
            choice.use(vector);
        }
    }
}
