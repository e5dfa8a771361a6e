package dev.quire.kernel.cpu;

import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Takes checkpoint matrices into packed ones, rows spread over the pool. */
final class WeightPacker {
    /** Rows that a task reads at a time. */
    private static final int TASK_ROWS = 64;

    private final WorkerPool pool;
    private final HeapBudget budget;

    WeightPacker(WorkerPool pool, HeapBudget budget) {
        this.pool = pool;
        this.budget = budget;
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
                            : pack((LinearWeight.GroupQuantized) leaf));
        }
        return new CpuLinear(parts, bias(weight.outFeatures(), leaves));
    }

    long residentBytes(LinearWeight weight) {
        List<LinearWeight> leaves = new ArrayList<>();
        flatten(weight, leaves);
        long numBytes = 0;
        for (LinearWeight leaf : leaves) {
            numBytes += 4L * leaf.outFeatures();
            if (leaf instanceof LinearWeight.GroupQuantized quantized && isPacked(quantized)) {
                numBytes += GroupMatrix.numBytes(
                        leaf.outFeatures(),
                        leaf.inFeatures(),
                        quantized.numBits(),
                        quantized.groupSize(),
                        quantized.zeroPoint() == null);
            } else if (leaf instanceof LinearWeight.Dense dense
                    && dense.weight().dtype().sizeBytes() == 2) {
                numBytes += 2L * leaf.outFeatures() * Lanes.roundUp(leaf.inFeatures(), 2 * Lanes.COUNT);
            } else {
                numBytes += 4L * leaf.outFeatures() * Lanes.roundUp(leaf.inFeatures(), Lanes.COUNT);
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
            forRows(rows, (first, count) -> {
                short[] buffer = new short[count * cols];
                tensor.copyTo((long) first * cols, buffer, 0, buffer.length);
                for (int i = 0; i < count; i++) {
                    matrix.pack(first + i, buffer, i * cols);
                }
            });
            return matrix;
        }
        FloatMatrix matrix = new FloatMatrix(rows, cols);
        forRows(rows, (first, count) -> {
            for (int row = first; row < first + count; row++) {
                tensor.copyTo((long) row * cols, matrix.array(row), matrix.offset(row), cols);
            }
        });
        return matrix;
    }

    private static boolean isPacked(LinearWeight.GroupQuantized weight) {
        return GroupMatrix.supports(weight.inFeatures(), weight.numBits(), weight.groupSize());
    }

    private PackedMatrix pack(LinearWeight.GroupQuantized weight) {
        if (weight.numBits() != 4 && weight.numBits() != 8) {
            throw new IllegalArgumentException(weight.name() + " has " + weight.numBits() + "-bit weights: 4 or 8 fit");
        }
        int rows = weight.outFeatures();
        int cols = weight.inFeatures();
        if (!isPacked(weight)) {
            // Groups that no vector is aligned with are rare enough to be kept in f32.
            FloatMatrix matrix = new FloatMatrix(rows, cols);
            forRows(rows, (first, count) -> {
                GroupReader reader = new GroupReader(weight, first, count);
                for (int row = first; row < first + count; row++) {
                    reader.dequantize(row, matrix.array(row), matrix.offset(row));
                }
            });
            return matrix;
        }
        GroupMatrix matrix = new GroupMatrix(
                rows, cols, weight.numBits(), weight.groupSize(), weight.zeroPoint() == null);
        forRows(rows, (first, count) -> {
            GroupReader reader = new GroupReader(weight, first, count);
            for (int row = first; row < first + count; row++) {
                matrix.pack(row, reader.words(), reader.wordOffset(row));
                for (int group = 0; group < reader.numGroups(); group++) {
                    matrix.setScale(row, group, reader.scale(row, group), reader.zeroPoint(row, group));
                }
            }
        });
        return matrix;
    }

    private interface RowRange {
        void accept(int first, int count);
    }

    private void forRows(int rows, RowRange range) {
        int numTasks = (rows + TASK_ROWS - 1) / TASK_ROWS;
        pool.run(numTasks, task -> {
            int first = task * TASK_ROWS;
            range.accept(first, Math.min(TASK_ROWS, rows - first));
        });
    }
}
