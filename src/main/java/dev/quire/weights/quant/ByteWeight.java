package dev.quire.weights.quant;

import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The weight W {@code [N, K]} of a linear layer, one byte an element, with a scale for each block of rows and columns:
 * {@code W[n, k] = (q[n, k] - zero[b]) * scale[b]}. The last blocks may be smaller.
 *
 * @param codes INT8, signed in the file, or E4M3
 * @param scaleRows rows of a block
 * @param groupSize columns of a block
 * @param bytes I8 or F8_E4M3 {@code [N, K]}
 * @param scale {@code [ceil(N/scaleRows), ceil(K/groupSize)]}, or [1] of a whole matrix
 * @param zeroPoint I8, as scale; null when symmetric
 */
record ByteWeight(
        String name,
        Codes codes,
        int numRows,
        int numCols,
        int scaleRows,
        int groupSize,
        HostTensor bytes,
        HostTensor scale,
        @Nullable HostTensor zeroPoint)
        implements QuantizedMatrix {
    /** Deviation of the codes that a dummy checkpoint makes for E4M3. */
    private static final double DUMMY_E4M3_DEVIATION = 0.05;

    static ByteWeight load(LayerTensors tensors, ByteScheme scheme, int numRows, int numCols) {
        boolean integers = scheme.codes() == Codes.INT8;
        int scaleRows = scheme.scaleRows() == 0 ? numRows : scheme.scaleRows();
        int groupSize = scheme.scaleCols() == 0 ? numCols : scheme.scaleCols();
        int blockRows = (numRows + scaleRows - 1) / scaleRows;
        int blockCols = (numCols + groupSize - 1) / groupSize;
        List<DType> types = new ArrayList<>(LayerTensors.SCALE_TYPES);
        if (!integers) {
            types.add(DType.F8_E8M0);
        }
        double dummy = integers ? LayerTensors.dummyScale(8) : 0.02 / DUMMY_E4M3_DEVIATION;
        HostTensor bytes = tensors.codes("weight", integers ? DType.I8 : DType.F8_E4M3, numRows, numCols);
        // The scale of a whole matrix is [1], one block of many is [1, 1].
        boolean whole = scheme.scaleRows() == 0 && scheme.scaleCols() == 0;
        long[] dims = whole ? new long[] {1} : new long[] {blockRows, blockCols};
        HostTensor scale = tensors.scalesOfAnyRank(scheme.scaleSuffix(), types, dummy, dims);
        HostTensor zeroPoint =
                scheme.symmetric() ? null : tensors.integers("weight_zero_point", DType.I8, i -> i % 3, dims);
        return new ByteWeight(
                tensors.prefix(), scheme.codes(), numRows, numCols, scaleRows, groupSize, bytes, scale, zeroPoint);
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
    public DType scaleType() {
        return isSymmetric() && LayerTensors.SCALE_TYPES.contains(scale.dtype()) ? scale.dtype() : DType.F32;
    }

    @Override
    public long sizeBytes() {
        return bytes.sizeBytes() + scale.sizeBytes() + (zeroPoint == null ? 0 : zeroPoint.sizeBytes());
    }

    @Override
    public QuantizedMatrix.Rows rows(int firstRow, int count) {
        Objects.checkFromIndexSize(firstRow, count, numRows);
        return new Rows(this, firstRow, count);
    }

    private static final class Rows implements QuantizedMatrix.Rows {
        private final ByteWeight weight;
        private final int firstRow;
        private final byte[] bytes;
        private final int numGroups;
        private final int firstBlock;
        private final float[] scales;
        /** Empty when symmetric. */
        private final byte[] zeros;

        Rows(ByteWeight weight, int firstRow, int count) {
            this.weight = weight;
            this.firstRow = firstRow;
            bytes = new byte[Math.multiplyExact(count, weight.numCols)];
            weight.bytes.copyTo((long) firstRow * weight.numCols, bytes, 0, bytes.length);
            numGroups = weight.numGroups();
            firstBlock = firstRow / weight.scaleRows;
            int numBlocks = (firstRow + count + weight.scaleRows - 1) / weight.scaleRows - firstBlock;
            scales = new float[numBlocks * numGroups];
            weight.scale.copyTo((long) firstBlock * numGroups, scales, 0, scales.length);
            HostTensor zeroPoint = weight.zeroPoint;
            zeros = new byte[zeroPoint == null ? 0 : scales.length];
            if (zeroPoint != null) {
                zeroPoint.copyTo((long) firstBlock * numGroups, zeros, 0, zeros.length);
            }
        }

        @Override
        public void codes(int row, byte[] dst, int at) {
            int cols = weight.numCols;
            System.arraycopy(bytes, row * cols, dst, at, cols);
            if (weight.codes == Codes.INT8) {
                for (int col = 0; col < cols; col++) {
                    dst[at + col] ^= (byte) 0x80;
                }
            }
        }

        @Override
        public void scales(int row, float[] dst, int at) {
            System.arraycopy(scales, block(row), dst, at, numGroups);
        }

        @Override
        public void offsets(int row, float[] dst, int at) {
            int block = block(row);
            for (int group = 0; group < numGroups; group++) {
                int zero = zeros.length == 0 ? 0 : zeros[block + group];
                dst[at + group] = -(zero + 128) * scales[block + group];
            }
        }

        /** Index of a row's first scale. */
        private int block(int row) {
            return ((firstRow + row) / weight.scaleRows - firstBlock) * numGroups;
        }
    }
}
