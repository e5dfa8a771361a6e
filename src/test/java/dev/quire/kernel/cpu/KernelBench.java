package dev.quire.kernel.cpu;

import dev.quire.kernel.Linear;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.DType;
import dev.quire.tensor.QuantizedMatrix.Codes;
import dev.quire.tensor.Tensor;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Prints µs, GB/s, GFLOP/s and the share of the bound for the products of a 1 B model: {@code java … KernelBench
 * [threads] [out] [in] [types] [batches]}. The bounds are measured in the same run: a read loop over a large array and a loop of fused
 * multiply-adds in registers, with the same threads. Best of several runs: other processes disturb. {@code
 * -Dquire.bench.onednn=true} and OMP_NUM_THREADS=1 in the environment add oneDNN's rows for bf16.
 */
public final class KernelBench {
    private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    private final WorkerPool pool;
    private final CpuGemm gemm;
    private final Random random = new Random(3);

    private KernelBench(int numThreads) {
        pool = new WorkerPool(numThreads);
        gemm = new CpuGemm(pool, LoopChoice.fastest(), new WeightPacker(pool, new HeapBudget(), 0));
    }

    public static void main(String[] args) {
        int numThreads = args.length > 0
                ? Integer.parseInt(args[0])
                : CpuOptions.defaults().numThreads();
        int out = args.length > 1 ? Integer.parseInt(args[1]) : 8192;
        int in = args.length > 2 ? Integer.parseInt(args[2]) : 2048;
        String types = args.length > 3
                ? args[3]
                : "bf16,f16,f32,int8 g32,int8 row,e4m3 row,int6 g16,int5 g32,int4 g32,int4 g128";
        String batches = args.length > 4 ? args[4] : "1,2,4,8,16,64,512";
        new KernelBench(numThreads).run(out, in, List.of(types.split(",")), List.of(batches.split(",")));
    }

    private void run(int out, int in, List<String> types, List<String> batches) {
        double readRate = readWords.length * 4.0 / best(40, 1, this::read);
        double peak = pool.numThreads() * FMA_ROUNDS * 2.0 * 10 * Lanes.COUNT / best(100, 2, this::multiplyAdd);
        print(
                "read bound %.1f GB/s, multiply-add bound %.1f GFLOP/s, pool call %.2f µs%n",
                readRate / 1e9, peak / 1e9, best(20000, 0.3, () -> pool.run(pool.numThreads(), task -> {})) * 1e6);
        for (String type : types) {
            LinearWeight[] weights = weights(type, out, in);
            Linear[] linears = new Linear[weights.length];
            for (int i = 0; i < weights.length; i++) {
                linears[i] = gemm.load(weights[i]);
            }
            for (String numRows : batches) {
                report(type, linears, Integer.parseInt(numRows), readRate, peak);
            }
            if (type.equals("bf16") && Boolean.getBoolean("quire.bench.onednn")) {
                reportOneDnn(linears, batches, readRate, peak);
            }
        }
        pool.close();
    }

    private void reportOneDnn(Linear[] linears, List<String> batches, double readRate, double peak) {
        try (LargeProducts library = LargeProducts.open(pool)) {
            print("%s%n", library.description());
            long start = System.nanoTime();
            for (Linear linear : linears) {
                ((CpuLinear) linear).large = library.load((CpuLinear) linear);
            }
            print("oneDNN    %9.0f µs to load a matrix%n", (System.nanoTime() - start) * 1e-3 / linears.length);
            for (String numRows : batches) {
                if (Integer.parseInt(numRows) >= LargeProducts.MIN_ROWS) {
                    report("oneDNN", linears, Integer.parseInt(numRows), readRate, peak);
                }
            }
            for (Linear linear : linears) {
                ((CpuLinear) linear).large = null;
            }
        } catch (OneDnnUnavailableException e) {
            print("%s%n", e.getMessage());
        }
    }

    private void report(String type, Linear[] linears, int numRows, double readRate, double peak) {
        Linear linear = linears[0];
        Tensor x = CpuTensors.random(random, numRows, linear.inFeatures(), 0);
        Tensor y = CpuTensors.poisoned(numRows, linear.outFeatures(), 0);
        int[] turn = {0};
        double seconds = best(
                numRows < 64 ? 200 : 20, 2.5, () -> gemm.matmul(y, x, linears[turn[0]++ % linears.length], numRows));
        double flops = 2.0 * numRows * linear.outFeatures() * linear.inFeatures() / seconds;
        double bytes = linear.weightBytes() / seconds;
        print(
                "%-9s M=%-4d %9.0f µs %7.1f GB/s (%3.0f%%) %7.1f GFLOP/s (%3.0f%%)%n",
                type, numRows, seconds * 1e6, bytes / 1e9, 100 * bytes / readRate, flops / 1e9, 100 * flops / peak);
    }

    /** Enough matrices of one type to leave every cache. */
    private LinearWeight[] weights(String type, int out, int in) {
        String[] words = type.split(" ");
        LinearWeight[] weights = new LinearWeight[4];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = switch (words[0]) {
                case "bf16" -> CpuTensors.dense(random, DType.BF16, out, in, false);
                case "f16" -> CpuTensors.dense(random, DType.F16, out, in, false);
                case "f32" -> CpuTensors.dense(random, DType.F32, out, in, false);
                default -> quantized(words, out, in);
            };
        }
        return weights;
    }

    /** Codes, and "g32" or "row". */
    private LinearWeight quantized(String[] words, int out, int in) {
        Codes codes = Codes.valueOf(words[0].toUpperCase(Locale.ROOT));
        int group = words[1].equals("row") ? in : Integer.parseInt(words[1].substring(1));
        return ArrayMatrix.random(random, codes, group, true, false, DType.BF16, out, in)
                .weight(ActivationScheme.NONE);
    }

    private final int[] readWords = new int[64 << 20];
    private final AtomicLong sink = new AtomicLong();
    private static final int WARM_CALLS = 2000;
    private static final int READ_TASKS = 64;
    private static final int FMA_ROUNDS = 1 << 16;

    private void read() {
        pool.run(READ_TASKS, task -> {
            int length = readWords.length / READ_TASKS;
            sink.addAndGet(sum(readWords, task * length, (task + 1) * length));
        });
    }

    /** Four streams at once: one alone does not keep the memory busy. */
    private static int sum(int[] words, int from, int to) {
        int l = Lanes.COUNT;
        int quarter = (to - from) / 4;
        IntVector a = IntVector.zero(Species.I);
        IntVector b = IntVector.zero(Species.I);
        IntVector c = IntVector.zero(Species.I);
        IntVector d = IntVector.zero(Species.I);
        for (int i = from; i < from + quarter; i += l) {
            a = a.add(IntVector.fromArray(Species.I, words, i));
            b = b.add(IntVector.fromArray(Species.I, words, i + quarter));
            c = c.add(IntVector.fromArray(Species.I, words, i + 2 * quarter));
            d = d.add(IntVector.fromArray(Species.I, words, i + 3 * quarter));
        }
        return a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD);
    }

    private void multiplyAdd() {
        pool.run(pool.numThreads(), task -> sink.addAndGet((long) fmaChains(1e-9f * task)));
    }

    private static float fmaChains(float start) {
        FloatVector x = FloatVector.broadcast(Species.F, start);
        FloatVector a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x;
        for (int round = 0; round < FMA_ROUNDS; round++) {
            a = a.fma(x, x);
            b = b.fma(x, x);
            c = c.fma(x, x);
            d = d.fma(x, x);
            e = e.fma(x, x);
            f = f.fma(x, x);
            g = g.fma(x, x);
            h = h.fma(x, x);
            i = i.fma(x, x);
            j = j.fma(x, x);
        }
        FloatVector sum =
                a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).add(i).add(j);
        return sum.reduceLanes(VectorOperators.ADD);
    }

    /**
     * Seconds of the fastest call, after warming up. One thread is measured in processor time, so that it hardly matters
     * what else runs on the machine; more threads in wall-clock time.
     */
    private double best(int maxCalls, double maxSeconds, Runnable call) {
        long warm = System.nanoTime() + (long) (maxSeconds * 1e9);
        for (int i = 0; i < WARM_CALLS && System.nanoTime() < warm; i++) {
            call.run();
        }
        double best = Double.MAX_VALUE;
        double spent = 0;
        for (int i = 0; i < maxCalls && spent < maxSeconds; i++) {
            long start = clock();
            call.run();
            double seconds = Math.max(1, clock() - start) * 1e-9;
            best = Math.min(best, seconds);
            spent += seconds;
        }
        return best;
    }

    private long clock() {
        return pool.numThreads() == 1 ? threads.getCurrentThreadCpuTime() : System.nanoTime();
    }

    private static void print(String format, Object... args) {
        System.out.printf(Locale.ROOT, format, args);
    }
}
