package dev.quire.kernel.cpu;

import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Takes checkpoint matrices into packed ones, panels spread over the pool. Quantized ones stay packed.
 *
 * <p>But for a tiny model, one whose quantized weights together have few elements: its integers become bf16, rounded as
 * transformers and vLLM's kernels round them. All of it stays in a cache then, where unpacking integers costs more than
 * reading two bytes, see {@code KernelBench}; who quantizes a larger model does it for the memory.
 */
final class WeightPacker {
    /** Quantized elements of a tiny model, at most: 128 MiB of bf16. */
    static final long TINY_MODEL_ELEMENTS = 64 << 20;

    private static final int SAMPLE_ROWS = 4 * PackedMatrix.PANEL_ROWS;
    private static final int SAMPLE_COLS = 32;

    private final WorkerPool pool;
    private final HeapBudget budget;
    private final long tinyModelElements;
    private boolean expandsIntegers;
    private final Map<String, CpuLinear> kinds = new ConcurrentHashMap<>();

    /** @param tinyModelElements the integers of a model with up to so many quantized elements become bf16; 0: of none */
    WeightPacker(WorkerPool pool, HeapBudget budget, long tinyModelElements) {
        this.pool = pool;
        this.budget = budget;
        this.tinyModelElements = tinyModelElements;
    }

    /** As {@link CpuGemm#expect}. */
    void expect(List<LinearWeight> matrices) {
        long numElements = matrices.stream()
                .flatMap(weight -> weight.leaves().stream())
                .filter(LinearWeight.Quantized.class::isInstance)
                .mapToLong(leaf -> (long) leaf.outFeatures() * leaf.inFeatures())
                .sum();
        expandsIntegers = numElements <= tinyModelElements;
    }

    /** Small matrices of zeros, one for each kind of product that was packed until now. */
    List<CpuLinear> kinds() {
        return List.copyOf(kinds.values());
    }

    CpuLinear pack(LinearWeight weight) {
        List<LinearWeight.Leaf> leaves = weight.leaves();
        List<CpuLinear.Part> parts = new ArrayList<>();
        for (LinearWeight.Leaf leaf : leaves) {
            budget.require(leaf.name(), residentBytes(leaf));
            PackedMatrix matrix = leaf instanceof LinearWeight.Dense dense
                    ? pack(dense.weight())
                    : pack((LinearWeight.Quantized) leaf);
            InputForm form =
                    matrix instanceof GroupMatrix ? InputForm.of((LinearWeight.Quantized) leaf) : InputForm.PLAIN;
            remember(matrix, form);
            parts.add(new CpuLinear.Part(matrix, form));
        }
        return new CpuLinear(parts, bias(weight.outFeatures(), leaves), pool.numThreads());
    }

    long residentBytes(LinearWeight weight) {
        long numBytes = 0;
        for (LinearWeight.Leaf leaf : weight.leaves()) {
            long padded = Lanes.roundUp(leaf.outFeatures(), PackedMatrix.PANEL_ROWS);
            numBytes += 4 * padded;
            if (leaf instanceof LinearWeight.Quantized quantized && !isExpanded(quantized)) {
                numBytes += GroupMatrix.numBytes(quantized.matrix());
            } else {
                int element = leaf instanceof LinearWeight.Dense dense
                        ? dense.weight().dtype().sizeBytes()
                        : 2;
                numBytes += element * padded * leaf.inFeatures();
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
    private PackedMatrix pack(HostTensor tensor) {
        int rows = tensor.shape().intDim(0);
        int cols = tensor.shape().intDim(1);
        if (tensor.dtype() == DType.BF16 || tensor.dtype() == DType.F16) {
            HalfMatrix matrix = new HalfMatrix(rows, cols, tensor.dtype() == DType.BF16);
            pool.run(matrix.numPanels, panel -> matrix.pack(panel, tensor));
            return matrix;
        }
        FloatMatrix matrix = new FloatMatrix(rows, cols);
        pool.run(matrix.numPanels, panel -> matrix.pack(panel, tensor));
        return matrix;
    }

    private PackedMatrix pack(LinearWeight.Quantized weight) {
        QuantizedMatrix matrix = weight.matrix();
        if (isExpanded(weight)) {
            HalfMatrix half = new HalfMatrix(matrix.numRows(), matrix.numCols(), true);
            pool.run(half.numPanels, panel -> half.pack(panel, matrix));
            return half;
        }
        GroupMatrix packed = GroupMatrix.of(matrix);
        pool.run(packed.numPanels, panel -> packed.pack(panel, matrix));
        return packed;
    }

    private boolean isExpanded(LinearWeight.Quantized weight) {
        return expandsIntegers
                && weight.matrix().codes().isInteger()
                && weight.activations().kind() == ActivationScheme.Kind.NONE;
    }

    private void remember(PackedMatrix matrix, InputForm form) {
        ActivationScheme rounding = form.rounding();
        kinds.computeIfAbsent(
                matrix.kind() + ", " + rounding.kind() + (rounding.isSymmetric() ? "" : " with zero point"),
                kind -> new CpuLinear(
                        List.of(new CpuLinear.Part(
                                matrix.ofSameKind(SAMPLE_ROWS, SAMPLE_COLS),
                                new InputForm(null, rounding, form.factor(), Math.min(SAMPLE_COLS, form.groupCols())))),
                        null,
                        1));
    }
}
