package dev.quire.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * What a plain loop reads from memory in a second, all threads together: the bound of decoding one sequence, which reads
 * every weight once a token. Like STREAM, but reading only.
 */
public final class ReadBandwidth {
    /** Larger than the last-level cache of the machines in question. */
    private static final int BYTES_PER_THREAD = 256 << 20;

    private static final int NUM_ROUNDS = 6;

    private ReadBandwidth() {}

    /** Bytes a second, the best of some rounds (the others were disturbed). */
    public static double measure(int numThreads) throws InterruptedException {
        ExecutorService threads = Executors.newFixedThreadPool(numThreads);
        try {
            List<long[]> arrays = new ArrayList<>();
            for (int i = 0; i < numThreads; i++) {
                arrays.add(new long[BYTES_PER_THREAD / Long.BYTES]);
            }
            double best = 0;
            for (int round = 0; round < NUM_ROUNDS; round++) {
                best = Math.max(best, round(threads, arrays));
            }
            return best;
        } catch (ExecutionException e) {
            throw new IllegalStateException("the read loop failed: " + e.getCause(), e);
        } finally {
            threads.shutdownNow();
        }
    }

    private static double round(ExecutorService threads, List<long[]> arrays)
            throws InterruptedException, ExecutionException {
        List<Callable<Long>> loops = new ArrayList<>();
        arrays.forEach(array -> loops.add(() -> sum(array)));
        long start = System.nanoTime();
        long total = 0;
        for (Future<Long> loop : threads.invokeAll(loops)) {
            total += loop.get();
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        if (total != 0) {
            throw new IllegalStateException("zeroed arrays sum to " + total);
        }
        return (double) BYTES_PER_THREAD * arrays.size() / seconds;
    }

    /** Four streams at once: one alone does not keep the memory busy. */
    private static long sum(long[] array) {
        int quarter = array.length / 4;
        long a = 0;
        long b = 0;
        long c = 0;
        long d = 0;
        for (int i = 0; i < quarter; i++) {
            a += array[i];
            b += array[quarter + i];
            c += array[2 * quarter + i];
            d += array[3 * quarter + i];
        }
        return a + b + c + d;
    }
}
