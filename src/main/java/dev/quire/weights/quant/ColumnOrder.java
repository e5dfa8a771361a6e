package dev.quire.weights.quant;

import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import org.jspecify.annotations.Nullable;

/**
 * Sorts a matrix' columns by group, for checkpoints that were quantized in activation order: the group of column k is then a
 * {@code g_idx[k]} of the file, not k / groupSize.
 */
final class ColumnOrder {
    private ColumnOrder() {}

    /**
     * Columns group by group, in a group as they were ({@link dev.quire.tensor.QuantizedMatrix#columnOrder}); null when they
     * lie so already.
     *
     * @param suffix of the tensor {@code [numCols]}
     * @throws dev.quire.weights.CheckpointException when a group has more or fewer than groupSize columns
     */
    static int @Nullable [] read(LayerTensors tensors, String suffix, int numCols, int groupSize) {
        HostTensor tensor = tensors.integers(suffix, DType.I32, k -> scattered(k, numCols) / groupSize, numCols);
        int[] groups = new int[numCols];
        tensor.copyTo(0, groups, 0, numCols);
        return isUnset(groups) ? null : sorted(tensors, suffix, groups, groupSize);
    }

    /** As {@link #read}, of a file that need not have the tensor, and whose columns a dummy checkpoint leaves in order. */
    static int @Nullable [] readIfPresent(LayerTensors tensors, String suffix, int numCols, int groupSize) {
        if (!tensors.has(suffix)) {
            return null;
        }
        int[] groups = new int[numCols];
        tensors.integers(suffix, DType.I32, k -> Math.floor(k / (double) groupSize), numCols)
                .copyTo(0, groups, 0, numCols);
        return sorted(tensors, suffix, groups, groupSize);
    }

    /** compressed-tensors writes -1 everywhere when it did not reorder. */
    private static boolean isUnset(int[] groups) {
        for (int group : groups) {
            if (group != -1) {
                return false;
            }
        }
        return true;
    }

    private static int @Nullable [] sorted(LayerTensors tensors, String suffix, int[] groups, int groupSize) {
        int numCols = groups.length;
        int numGroups = (numCols + groupSize - 1) / groupSize;
        int[] next = new int[numGroups];
        for (int group : groups) {
            if (group < 0 || group >= numGroups) {
                throw tensors.fault(suffix, "names group " + group + " of " + numGroups);
            }
            next[group]++;
        }
        for (int group = 0; group < numGroups; group++) {
            int expected = Math.min(groupSize, numCols - group * groupSize);
            if (next[group] != expected) {
                throw tensors.fault(
                        suffix, "gives group " + group + " " + next[group] + " columns, expected " + expected);
            }
            next[group] = group * groupSize;
        }
        int[] order = new int[numCols];
        boolean inOrder = true;
        for (int k = 0; k < numCols; k++) {
            int at = next[groups[k]]++;
            order[at] = k;
            inOrder &= at == k;
        }
        return inOrder ? null : order;
    }

    /** Where each column of the file goes; null for null. */
    static int @Nullable [] inverse(int @Nullable [] order) {
        if (order == null) {
            return null;
        }
        int[] inverse = new int[order.length];
        for (int c = 0; c < order.length; c++) {
            inverse[order[c]] = c;
        }
        return inverse;
    }

    /** A permutation for dummy checkpoints: a multiplier without common factor. */
    private static long scattered(long k, int numCols) {
        int prime = numCols % 7919 == 0 ? 7907 : 7919;
        return k * prime % numCols;
    }
}
