package dev.quire.kernel.cpu;

import dev.quire.kernel.GroupReader;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Takes checkpoint matrices into packed ones, panels spread over the pool.
 *
 * <p>Small matrices of 4- or 8-bit integers become bf16, rounded as transformers and vLLM's kernels round them: where
 * the weights stay in a cache, unpacking integers costs more than reading two bytes, see {@code KernelBench}. Large ones
 * stay packed: who quantizes a large model does it for the memory.
 */
final class WeightPacker {
    /** Matrices up to 8 MiB of bf16. */
    static final long EXPANDED_ELEMENTS = 4 << 20;

    private static final int SAMPLE_ROWS = 4 * PackedMatrix.PANEL_ROWS;
    private static final int SAMPLE_COLS = 32;

    private final WorkerPool pool;
    private final HeapBudget budget;
    private final long maxExpandedElements;
    private final Map<String, PackedMatrix> kinds = new ConcurrentHashMap<>();

    /** @param maxExpandedElements integer matrices of up to so many elements become bf16 */
    WeightPacker(WorkerPool pool, HeapBudget budget, long maxExpandedElements) {
        this.pool = pool;
        this.budget = budget;
        this.maxExpandedElements = maxExpandedElements;
    }

    /** A small matrix of zeros for each kind that was packed until now. */
    List<PackedMatrix> kinds() {
        return List.copyOf(kinds.values());
    }

    CpuLinear pack(LinearWeight weight) {
        List<LinearWeight> leaves = new ArrayList<>();
        flatten(weight, leaves);
        List<PackedMatrix> parts = new ArrayList<>();
        for (LinearWeight leaf : leaves) {
            budget.require(leaf.name(), residentBytes(leaf));
            parts.add(
                    leaf instanceof LinearWeight.Dense dense
                            ? pack(dense.weight())
                            : remember(pack((LinearWeight.GroupQuantized) leaf)));
        }
        return new CpuLinear(parts, bias(weight.outFeatures(), leaves), pool.numThreads());
    }

    long residentBytes(LinearWeight weight) {
        List<LinearWeight> leaves = new ArrayList<>();
        flatten(weight, leaves);
        long numBytes = 0;
        for (LinearWeight leaf : leaves) {
            long padded = Lanes.roundUp(leaf.outFeatures(), PackedMatrix.PANEL_ROWS);
            numBytes += 4 * padded;
            if (leaf instanceof LinearWeight.GroupQuantized quantized && isPacked(quantized)) {
                numBytes += GroupMatrix.numBytes(
                        leaf.outFeatures(),
                        leaf.inFeatures(),
                        quantized.numBits(),
                        quantized.groupSize(),
                        quantized.zeroPoint() == null);
            } else {
                boolean half = leaf instanceof LinearWeight.Dense dense
                        ? dense.weight().dtype().sizeBytes() == 2
                        : isExpanded((LinearWeight.GroupQuantized) leaf);
                numBytes += (half ? 2 : 4) * padded * leaf.inFeatures();
            }
        }
        return numBytes;
    }

    private static void flatten(LinearWeight weight, List<LinearWeight> leaves) {
        if (weight instanceof LinearWeight.Stacked stacked) {
            stacked.parts().forEach(part -> flatten(part, leaves));
        } else {
            leaves.add(weight);
        }
    }

    static float @Nullable [] bias(int outFeatures, List<LinearWeight> leaves) {
        float[] bias = null;
        int output = 0;
        for (LinearWeight leaf : leaves) {
            HostTensor part = leaf instanceof LinearWeight.Dense dense
                    ? dense.bias()
                    : ((LinearWeight.GroupQuantized) leaf).bias();
            if (part != null) {
                bias = bias == null ? new float[outFeatures] : bias;
                part.copyTo(0, bias, output, leaf.outFeatures());
            }
            output += leaf.outFeatures();
        }
        return bias;
    }

    /** A matrix [rows, cols] in F32, BF16 or F16. */
    PackedMatrix pack(HostTensor tensor) {
        int rows = tensor.shape().intDim(0);
        int cols = tensor.shape().intDim(1);
        if (tensor.dtype() == DType.BF16 || tensor.dtype() == DType.F16) {
            HalfMatrix matrix = new HalfMatrix(rows, cols, tensor.dtype() == DType.BF16);
            pool.run(matrix.numPanels, panel -> matrix.pack(panel, tensor));
            return remember(matrix);
        }
        FloatMatrix matrix = new FloatMatrix(rows, cols);
        pool.run(matrix.numPanels, panel -> matrix.pack(panel, tensor));
        return remember(matrix);
    }

    private PackedMatrix remember(PackedMatrix matrix) {
        kinds.computeIfAbsent(matrix.kind(), kind -> matrix.ofSameKind(SAMPLE_ROWS, SAMPLE_COLS));
        return matrix;
    }

    private boolean isPacked(LinearWeight.GroupQuantized weight) {
        return !isExpanded(weight) && GroupMatrix.supports(weight.inFeatures(), weight.numBits(), weight.groupSize());
    }

    private boolean isExpanded(LinearWeight.GroupQuantized weight) {
        return (long) weight.outFeatures() * weight.inFeatures() <= maxExpandedElements;
    }

    private PackedMatrix pack(LinearWeight.GroupQuantized weight) {
        if (weight.numBits() != 4 && weight.numBits() != 8) {
            throw new IllegalArgumentException(weight.name() + " has " + weight.numBits() + "-bit weights: 4 or 8 fit");
        }
        int rows = weight.outFeatures();
        int cols = weight.inFeatures();
        if (isExpanded(weight)) {
            HalfMatrix matrix = new HalfMatrix(rows, cols, true);
            pool.run(matrix.numPanels, panel -> {
                int first = panel * PackedMatrix.PANEL_ROWS;
                GroupReader reader = new GroupReader(weight, first, matrix.panelRows(panel));
                matrix.pack(panel, reader);
            });
            return matrix;
        }
        if (!isPacked(weight)) {
            // Groups that are no whole words are rare enough to be kept in f32.
            FloatMatrix matrix = new FloatMatrix(rows, cols);
            pool.run(matrix.numPanels, panel -> {
                int first = panel * PackedMatrix.PANEL_ROWS;
                int count = matrix.panelRows(panel);
                GroupReader reader = new GroupReader(weight, first, count);
                float[] values = new float[count * cols];
                for (int i = 0; i < count; i++) {
                    reader.dequantize(first + i, values, i * cols);
                }
                matrix.pack(panel, values);
            });
            return matrix;
        }
        GroupMatrix matrix =
                new GroupMatrix(rows, cols, weight.numBits(), weight.groupSize(), weight.zeroPoint() == null);
        pool.run(matrix.numPanels, panel -> {
            int first = panel * PackedMatrix.PANEL_ROWS;
            int count = matrix.panelRows(panel);
            GroupReader reader = new GroupReader(weight, first, count);
            for (int i = 0; i < count; i++) {
                matrix.pack(first + i, reader);
            }
        });
        return matrix;
    }
}
