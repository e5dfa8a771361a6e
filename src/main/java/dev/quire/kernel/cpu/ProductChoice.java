package dev.quire.kernel.cpu;

import dev.quire.kernel.cpu.CpuOptions.GemmPath;
import dev.quire.tensor.DType;
import dev.quire.tensor.Shape;
import dev.quire.tensor.Storage;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Decides, once all weights are loaded, what multiplies bf16 weights in steps of many rows, and says why. */
final class ProductChoice implements AutoCloseable {
    /** Smaller models start without the library: a second copy and a measurement would be most of their start. */
    private static final long MIN_WEIGHT_BYTES = 256L << 20;

    /** Gain that a second copy of the weights must bring. */
    private static final double MIN_GAIN = 1.2;

    /** Stays free for the rest of the process and the machine. */
    private static final long RESERVED_BYTES = 512L << 20;

    private static final int MEASURED_ROWS = 64;
    private static final int MIN_CALLS = 3;
    private static final int MAX_CALLS = 8;
    private static final long MAX_NANOS = 100_000_000;

    /** A larger matrix would take too long to measure. */
    private static final long MAX_MEASURED_BYTES = 32L << 20;

    private final GemmPath path;
    private final WorkerPool pool;
    private final CpuGemm gemm;
    private final long minWeightBytes;
    private @Nullable LargeProducts products;

    /**
     * Starts the library when it is asked for.
     *
     * @throws OneDnnUnavailableException when it is asked for and does not start
     */
    ProductChoice(GemmPath path, WorkerPool pool, CpuGemm gemm) {
        this(path, pool, gemm, MIN_WEIGHT_BYTES);
    }

    /** @param minWeightBytes bf16 weights below which {@code auto} does not look at the library */
    ProductChoice(GemmPath path, WorkerPool pool, CpuGemm gemm, long minWeightBytes) {
        this.path = path;
        this.pool = pool;
        this.gemm = gemm;
        this.minWeightBytes = minWeightBytes;
        if (path == GemmPath.ONEDNN) {
            products = LargeProducts.open(pool);
        }
    }

    /** Whether the library was started and is in use, or will be. */
    boolean usesLibrary() {
        return products != null;
    }

    /** Whether the library in use rounds activations to bf16. */
    boolean roundsActivations() {
        return products != null && products.roundsActivations();
    }

    /**
     * Takes the weights loaded so far over when the library is asked for or found faster; returns a line for the log,
     * empty when there was nothing to choose.
     *
     * @throws OneDnnUnavailableException when the library is asked for and its copy of the weights does not fit
     */
    String choose() {
        if (path == GemmPath.VECTOR) {
            return "";
        }
        List<CpuLinear> weights =
                gemm.loaded().stream().filter(CpuLinear::isBf16).toList();
        long numBytes = weights.stream().mapToLong(LargeProducts::numBytes).sum();
        if (path == GemmPath.AUTO && numBytes < minWeightBytes) {
            return "";
        }
        if (weights.isEmpty()) {
            return "products of many rows: Vector API, as there are no bf16 weights";
        }
        try {
            return path == GemmPath.ONEDNN ? take(weights, numBytes, "asked for") : measure(weights, numBytes);
        } catch (RuntimeException e) {
            close();
            if (path == GemmPath.ONEDNN) {
                throw e instanceof OneDnnUnavailableException known
                        ? known
                        : new OneDnnUnavailableException(e.getMessage(), e);
            }
            return "products of many rows: Vector API (" + e.getMessage() + ")";
        }
    }

    private String measure(List<CpuLinear> weights, long numBytes) {
        requireRoom(numBytes);
        LargeProducts library = LargeProducts.open(pool);
        products = library;
        CpuLinear sample = sample(weights);
        double vector = millis(sample);
        sample.large = library.load(sample);
        double large = millis(sample);
        String figures = String.format(
                Locale.ROOT,
                "%.2f ms against %.2f ms in the Vector API for %d rows of [%d, %d]",
                large,
                vector,
                MEASURED_ROWS,
                sample.outFeatures(),
                sample.inFeatures());
        if (vector < MIN_GAIN * large) {
            sample.large = null;
            throw new OneDnnUnavailableException(library.description() + " takes " + figures);
        }
        return take(weights, numBytes, figures);
    }

    private String take(List<CpuLinear> weights, long numBytes, String reason) {
        requireRoom(numBytes);
        LargeProducts library = products;
        if (library == null) {
            throw new IllegalStateException("no library");
        }
        for (CpuLinear weight : weights) {
            if (weight.large == null) {
                weight.large = library.load(weight);
            }
        }
        return String.format(
                Locale.ROOT,
                "products of %d rows and more: %s (%s); its weights take %.2f GiB outside the Java heap, which the memory"
                        + " plan does not count",
                LargeProducts.MIN_ROWS,
                library.description(),
                reason,
                numBytes / (double) (1L << 30));
    }

    private static void requireRoom(long numBytes) {
        long available = HostMemory.availableBytes() - RESERVED_BYTES;
        if (numBytes > available) {
            throw new OneDnnUnavailableException(String.format(
                    Locale.ROOT,
                    "oneDNN needs %.2f GiB outside the Java heap for its copy of the weights, %.2f GiB are free",
                    numBytes / (double) (1L << 30),
                    Math.max(0, available) / (double) (1L << 30)));
        }
    }

    /** The largest that is quick to measure. */
    private static CpuLinear sample(List<CpuLinear> weights) {
        List<CpuLinear> sorted = new ArrayList<>(weights);
        sorted.sort(Comparator.comparingLong(CpuLinear::weightBytes));
        CpuLinear sample = sorted.get(0);
        for (CpuLinear weight : sorted) {
            if (weight.weightBytes() <= MAX_MEASURED_BYTES) {
                sample = weight;
            }
        }
        return sample;
    }

    /** Milliseconds of the fastest of a few products. */
    private double millis(CpuLinear weight) {
        Tensor x = tensor(weight.inFeatures());
        Tensor out = tensor(weight.outFeatures());
        long best = Long.MAX_VALUE;
        long spent = 0;
        for (int i = 0; i < MIN_CALLS || i < MAX_CALLS && spent < MAX_NANOS; i++) {
            long start = System.nanoTime();
            gemm.matmul(out, x, weight, MEASURED_ROWS);
            long nanos = System.nanoTime() - start;
            best = Math.min(best, nanos);
            spent += nanos;
        }
        return best * 1e-6;
    }

    private static Tensor tensor(int cols) {
        float[] values = new float[MEASURED_ROWS * cols];
        for (int i = 0; i < values.length; i++) {
            values[i] = (i % 17 - 8) * 0.125f;
        }
        return new Tensor(DType.F32, Shape.of(MEASURED_ROWS, cols), new Storage.Floats(values));
    }

    /** Frees the library's memory; products of many rows are then the Vector path's. */
    @Override
    public void close() {
        gemm.loaded().forEach(weight -> weight.large = null);
        if (products != null) {
            products.close();
            products = null;
        }
    }
}
