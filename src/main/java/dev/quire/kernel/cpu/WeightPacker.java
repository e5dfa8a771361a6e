package dev.quire.kernel.cpu;

import dev.quire.kernel.DequantizedRows;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
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
        List<LinearWeight.Leaf> leaves = weight.leaves();
        List<PackedMatrix> parts = new ArrayList<>();
        for (LinearWeight.Leaf leaf : leaves) {
            budget.require(leaf.name(), residentBytes(leaf));
            parts.add(
                    leaf instanceof LinearWeight.Dense dense
                            ? pack(dense.weight())
                            : remember(pack(((LinearWeight.Quantized) leaf).matrix())));
        }
        return new CpuLinear(parts, bias(weight.outFeatures(), leaves), pool.numThreads());
    }

    long residentBytes(LinearWeight weight) {
        long numBytes = 0;
        for (LinearWeight.Leaf leaf : weight.leaves()) {
            long padded = Lanes.roundUp(leaf.outFeatures(), PackedMatrix.PANEL_ROWS);
            numBytes += 4 * padded;
            if (leaf instanceof LinearWeight.Quantized quantized && isPacked(quantized.matrix())) {
                QuantizedMatrix matrix = quantized.matrix();
                numBytes += GroupMatrix.numBytes(
                        matrix.numRows(),
                        matrix.numCols(),
                        matrix.codes().numBits(),
                        matrix.groupSize(),
                        matrix.isSymmetric());
            } else {
                boolean half = leaf instanceof LinearWeight.Dense dense
                        ? dense.weight().dtype().sizeBytes() == 2
                        : isExpanded(((LinearWeight.Quantized) leaf).matrix());
                numBytes += (half ? 2 : 4) * padded * leaf.inFeatures();
            }
        }
        return numBytes;
    }

    static float @Nullable [] bias(int outFeatures, List<LinearWeight.Leaf> leaves) {
        float[] bias = null;
        int output = 0;
        for (LinearWeight.Leaf leaf : leaves) {
            HostTensor part = leaf.bias();
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

    private boolean isPacked(QuantizedMatrix matrix) {
        return !isExpanded(matrix)
                && GroupMatrix.supports(matrix.numCols(), matrix.codes().numBits(), matrix.groupSize());
    }

    private boolean isExpanded(QuantizedMatrix matrix) {
        return (long) matrix.numRows() * matrix.numCols() <= maxExpandedElements;
    }

    private PackedMatrix pack(QuantizedMatrix matrix) {
        QuantizedMatrix.Codes codes = matrix.codes();
        if (codes != QuantizedMatrix.Codes.INT4 && codes != QuantizedMatrix.Codes.INT8) {
            throw new IllegalArgumentException(matrix.name() + " has weights in " + codes + ": INT4 or INT8 fit");
        }
        int rows = matrix.numRows();
        int cols = matrix.numCols();
        if (isExpanded(matrix)) {
            HalfMatrix half = new HalfMatrix(rows, cols, true);
            pool.run(half.numPanels, panel -> half.pack(panel, matrix));
            return half;
        }
        if (!isPacked(matrix)) {
            // Groups that are no whole words are rare enough to be kept in f32.
            FloatMatrix floats = new FloatMatrix(rows, cols);
            pool.run(floats.numPanels, panel -> {
                int count = floats.panelRows(panel);
                DequantizedRows reader = new DequantizedRows(matrix, panel * PackedMatrix.PANEL_ROWS, count);
                float[] values = new float[count * cols];
                for (int i = 0; i < count; i++) {
                    reader.copyTo(i, values, i * cols);
                }
                floats.pack(panel, values);
            });
            return floats;
        }
        GroupMatrix packed = new GroupMatrix(rows, cols, codes.numBits(), matrix.groupSize(), matrix.isSymmetric());
        pool.run(packed.numPanels, panel -> packed.pack(panel, matrix));
        return packed;
    }
}
