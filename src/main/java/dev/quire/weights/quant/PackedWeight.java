package dev.quire.weights.quant;

import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.CheckpointException;
import java.util.Arrays;
import java.util.List;
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
 * @param columnOrder the columns in the order of their groups; null when groups are runs of columns
 */
public record PackedWeight(
        String prefix,
        WeightScheme scheme,
        int numRows,
        int numCols,
        HostTensor packed,
        HostTensor scale,
        @Nullable HostTensor zeroPoint,
        int @Nullable [] columnOrder)
        implements QuantizedMatrix {

    private static final List<DType> SCALE_TYPES = List.of(DType.BF16, DType.F16, DType.F32);

    /** Finds and checks the tensors of layer {@code prefix}; throws {@link CheckpointException} naming the wrong one. */
    public static PackedWeight load(
            Checkpoint checkpoint, String prefix, WeightScheme scheme, int numRows, int numCols) {
        LayerTensors tensors = new LayerTensors(checkpoint, prefix);
        int numGroups = scheme.numGroups(numCols);
        HostTensor packed = tensors.codes("weight_packed", DType.I32, numRows, scheme.numWords(numCols));
        HostTensor scale = tensors.scales(
                "weight_scale", SCALE_TYPES, LayerTensors.dummyScale(scheme.numBits()), numRows, numGroups);
        // Of the dummy, every other zero point is -1.
        long zeros = scheme.numBits() == 4 ? 0x87878787L : 0x807f807fL;
        HostTensor zeroPoint = scheme.symmetric()
                ? null
                : tensors.integers("weight_zero_point", DType.I32, i -> zeros, scheme.numWords(numRows), numGroups);
        int[] columnOrder = scheme.groupIndexed() && scheme.groupSize() > 0
                ? ColumnOrder.read(tensors, "weight_g_idx", numCols, scheme.groupSize())
                : null;
        checkShape(tensors, numRows, numCols);
        return new PackedWeight(prefix, scheme, numRows, numCols, packed, scale, zeroPoint, columnOrder);
    }

    private static void checkShape(LayerTensors tensors, int numRows, int numCols) {
        if (!tensors.has("weight_shape")) {
            return;
        }
        long[] dims = new long[2];
        tensors.integers("weight_shape", DType.I64, i -> i == 0 ? numRows : numCols, 2)
                .copyTo(0, dims, 0, 2);
        if (dims[0] != numRows || dims[1] != numCols) {
            throw tensors.fault(
                    "weight_shape", "says " + Arrays.toString(dims) + ", expected [" + numRows + ", " + numCols + "]");
        }
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
    public DType scaleType() {
        return isSymmetric() ? scale.dtype() : DType.F32;
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
}
