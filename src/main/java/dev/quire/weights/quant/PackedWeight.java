package dev.quire.weights.quant;

import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import dev.quire.tensor.Shape;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.CheckpointException;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The weight W {@code [N, K]} of a linear layer as packed integers: {@code W[n, k] = (q[n, k] - zero[n, g]) * scale[n, g]},
 * g the group of column k. Stored is {@code q + 2^(numBits-1)}, unsigned, lowest bits first.
 *
 * @param prefix the layer's name in the checkpoint
 * @param scheme bits, groups, symmetry
 * @param numRows N, outputs
 * @param numCols K, inputs
 * @param packed I32 {@code [N, ceil(K*numBits/32)]}, packed along K
 * @param scale F16, BF16 or F32 {@code [N, numGroups]}
 * @param zeroPoint I32 {@code [ceil(N*numBits/32), numGroups]}, packed along N, with the same offset; null when symmetric
 * @param groupIndex I32 {@code [K]}, the group of each column; null when groups are runs of {@code groupSize} columns
 */
public record PackedWeight(
        String prefix,
        WeightScheme scheme,
        int numRows,
        int numCols,
        HostTensor packed,
        HostTensor scale,
        @Nullable HostTensor zeroPoint,
        @Nullable HostTensor groupIndex)
        implements QuantizedMatrix {

    /** Finds and checks the tensors of layer {@code prefix}; throws {@link CheckpointException} naming the wrong one. */
    public static PackedWeight load(
            Checkpoint checkpoint, String prefix, WeightScheme scheme, int numRows, int numCols) {
        Source source = new Source(checkpoint, prefix);
        int numGroups = scheme.numGroups(numCols);
        HostTensor packed =
                source.tensor("weight_packed", DType.I32, Shape.of(numRows, scheme.numWords(numCols)), DType.I32);
        HostTensor scale = source.tensor(
                "weight_scale", DType.BF16, Shape.of(numRows, numGroups), DType.BF16, DType.F16, DType.F32);
        HostTensor zeroPoint = scheme.symmetric()
                ? null
                : source.tensor(
                        "weight_zero_point", DType.I32, Shape.of(scheme.numWords(numRows), numGroups), DType.I32);
        HostTensor groupIndex =
                scheme.groupIndexed() ? source.tensor("weight_g_idx", DType.I32, Shape.of(numCols), DType.I32) : null;
        source.checkShape(numRows, numCols);
        if (groupIndex != null) {
            source.checkGroups(groupIndex, numGroups);
        }
        return new PackedWeight(prefix, scheme, numRows, numCols, packed, scale, zeroPoint, groupIndex);
    }

    @Override
    public String name() {
        return prefix;
    }

    @Override
    public Codes codes() {
        return scheme.numBits() == 4 ? Codes.INT4 : Codes.INT8;
    }

    @Override
    public int groupSize() {
        return scheme.groupSize() == 0 ? numCols : scheme.groupSize();
    }

    @Override
    public boolean isSymmetric() {
        return zeroPoint == null;
    }

    @Override
    public int @Nullable [] columnOrder() {
        return null;
    }

    @Override
    public long sizeBytes() {
        return packed.sizeBytes() + scale.sizeBytes() + (zeroPoint == null ? 0 : zeroPoint.sizeBytes());
    }

    @Override
    public QuantizedMatrix.Rows rows(int firstRow, int count) {
        Objects.checkFromIndexSize(firstRow, count, numRows);
        return new PackedWeightRows(this, firstRow, count);
    }

    /** Rows {@code firstRow} to {@code firstRow + count} in floats, row-major: the plain reference. */
    public float[] toFloats(int firstRow, int count) {
        Objects.checkFromIndexSize(firstRow, count, numRows);
        int bits = scheme.numBits();
        int offset = 1 << (bits - 1);
        int numWords = scheme.numWords(numCols);
        int numGroups = numGroups();
        int[] groups = groups();
        int[] words = new int[numWords];
        float[] scales = new float[numGroups];
        float[] values = new float[Math.multiplyExact(count, numCols)];
        for (int row = 0; row < count; row++) {
            int n = firstRow + row;
            packed.copyTo((long) n * numWords, words, 0, numWords);
            scale.copyTo((long) n * numGroups, scales, 0, numGroups);
            int[] zeros = zeros(n);
            for (int k = 0; k < numCols; k++) {
                int q = unpack(words, k, bits) - offset;
                values[row * numCols + k] = (q - zeros[groups[k]]) * scales[groups[k]];
            }
        }
        return values;
    }

    /** Group of each column. */
    private int[] groups() {
        int[] groups = new int[numCols];
        if (groupIndex != null) {
            groupIndex.copyTo(0, groups, 0, numCols);
        } else if (scheme.groupSize() > 0) {
            Arrays.setAll(groups, k -> k / scheme.groupSize());
        }
        return groups;
    }

    /** Zero point of each group of row n. */
    private int[] zeros(int n) {
        int numGroups = numGroups();
        int[] zeros = new int[numGroups];
        if (zeroPoint != null) {
            int perWord = 32 / scheme.numBits();
            zeroPoint.copyTo((long) (n / perWord) * numGroups, zeros, 0, numGroups);
            for (int g = 0; g < numGroups; g++) {
                int stored = (zeros[g] >>> (n % perWord * scheme.numBits())) & ((1 << scheme.numBits()) - 1);
                zeros[g] = stored - (1 << (scheme.numBits() - 1));
            }
        }
        return zeros;
    }

    private static int unpack(int[] words, int index, int bits) {
        int perWord = 32 / bits;
        return (words[index / perWord] >>> (index % perWord * bits)) & ((1 << bits) - 1);
    }

    /** The tensors under one prefix. */
    private record Source(Checkpoint checkpoint, String prefix) {
        HostTensor tensor(String suffix, DType preferred, Shape shape, DType... allowed) {
            HostTensor tensor = checkpoint.tensor(prefix + "." + suffix, shape, preferred);
            if (!Arrays.asList(allowed).contains(tensor.dtype())) {
                throw fault(suffix, "has type " + tensor.dtype() + ", expected one of " + Arrays.toString(allowed));
            }
            return tensor;
        }

        void checkShape(int numRows, int numCols) {
            if (!checkpoint.has(prefix + ".weight_shape")) {
                return;
            }
            HostTensor shape = tensor("weight_shape", DType.I64, Shape.of(2), DType.I64);
            long[] dims = new long[2];
            shape.copyTo(0, dims, 0, 2);
            if (dims[0] != numRows || dims[1] != numCols) {
                throw fault(
                        "weight_shape",
                        "says " + Arrays.toString(dims) + ", expected [" + numRows + ", " + numCols + "]");
            }
        }

        void checkGroups(HostTensor groupIndex, int numGroups) {
            int[] groups = new int[groupIndex.shape().intDim(0)];
            groupIndex.copyTo(0, groups, 0, groups.length);
            for (int group : groups) {
                if (group < 0 || group >= numGroups) {
                    throw fault("weight_g_idx", "names group " + group + " of " + numGroups);
                }
            }
        }

        private CheckpointException fault(String suffix, String problem) {
            return CheckpointException.ofTensor(checkpoint.files().location(), prefix + "." + suffix, problem);
        }
    }
}
