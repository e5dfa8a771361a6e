package dev.quire.kernel.cuda;

import java.nio.file.Path;
import java.util.List;

/**
 * How the CUDA backend runs.
 *
 * @param memoryUtilization share of the card's memory that may be used in all, in (0, 1]
 * @param batchInvariant a row's result never depends on what else is in the step, at some cost in speed
 * @param graphs replay decode steps as CUDA graphs
 * @param blockingLaunches wait for each kernel, so that a fault is reported with its name; slow, and without graphs
 * @param libraryPath folders with CUDA's libraries, searched before the usual ones
 */
public record CudaOptions(
        double memoryUtilization,
        boolean batchInvariant,
        boolean graphs,
        boolean blockingLaunches,
        List<Path> libraryPath) {
    public static final double DEFAULT_MEMORY_UTILIZATION = 0.9;

    public CudaOptions {
        libraryPath = List.copyOf(libraryPath);
        if (!(memoryUtilization > 0 && memoryUtilization <= 1)) {
            throw new IllegalArgumentException("gpu memory utilization must be in (0, 1], got " + memoryUtilization);
        }
    }

    public static CudaOptions defaults() {
        return new CudaOptions(DEFAULT_MEMORY_UTILIZATION, false, true, false, List.of());
    }
}
