package dev.quire.weights.quant;

import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The weight {@code [N, K]} of a linear layer as AutoAWQ's version gemm stores it, transposed: {@code W[n, k] = (q[k, n] -
 * zero[k/groupSize, n]) * scale[k/groupSize, n]}. Eight outputs share a word, in the order that suits its kernel.
 *
 * @param qweight I32 {@code [K, N/8]}, packed along N
 * @param qzeros I32 {@code [numGroups, N/8]}, as qweight
 * @param scale F16, BF16 or F32 {@code [numGroups, N]}
 */
record AwqWeight(
        String name, int numRows, int numCols, int groupSize, HostTensor qweight, HostTensor qzeros, HostTensor scale)
        implements QuantizedMatrix {
    private static final int PER_WORD = 8;
    /** The nibble of a word, from the lowest, that holds each of its outputs. */
    private static final int[] PLACES = {0, 4, 1, 5, 2, 6, 3, 7};

    private static final List<DType> SCALE_TYPES = List.of(DType.F16, DType.BF16, DType.F32);

    static AwqWeight load(LayerTensors tensors, AwqScheme scheme, int numRows, int numCols) {
        if (numRows % PER_WORD != 0) {
            throw tensors.fault("qweight", "is of a layer of " + numRows + " outputs: words of 8 do not fit");
        }
        int groupSize = scheme.groupSize() == 0 ? numCols : scheme.groupSize();
        int numGroups = (numCols + groupSize - 1) / groupSize;
        return new AwqWeight(
                tensors.prefix(),
                numRows,
                numCols,
                groupSize,
                tensors.codes("qweight", DType.I32, numCols, numRows / PER_WORD),
                tensors.integers("qzeros", DType.I32, i -> 0x87878787L, numGroups, numRows / PER_WORD),
                tensors.scales("scales", SCALE_TYPES, LayerTensors.dummyScale(4), numGroups, numRows));
    }

    @Override
    public Codes codes() {
        return Codes.INT4;
    }

    @Override
    public boolean isSymmetric() {
        return false;
    }

    @Override
    public int @Nullable [] columnOrder() {
        return null;
    }

    @Override
    public long sizeBytes() {
        return qweight.sizeBytes() + qzeros.sizeBytes() + scale.sizeBytes();
    }

    @Override
    public QuantizedMatrix.Rows rows(int firstRow, int count) {
        Objects.checkFromIndexSize(firstRow, count, numRows);
        return new Rows(this, firstRow, count);
    }

    private static final class Rows implements QuantizedMatrix.Rows {
        private final int firstRow;
        private final int firstWord;
        private final int numWords;
        /** [numCols, numWords] */
        private final int[] words;

        private final TransposedGroups groups;

        Rows(AwqWeight weight, int firstRow, int count) {
            this.firstRow = firstRow;
            firstWord = firstRow / PER_WORD;
            numWords = (firstRow + count + PER_WORD - 1) / PER_WORD - firstWord;
            words = new int[Math.multiplyExact(weight.numCols, numWords)];
            weight.qweight.copyColumns(0, weight.numCols, firstWord, numWords, words);
            groups = new TransposedGroups(weight.scale, weight.qzeros, 4, firstRow, count);
        }

        @Override
        public void codes(int row, byte[] dst, int at) {
            int shift = 4 * PLACES[(firstRow + row) % PER_WORD];
            int col = 0;
            for (int from = (firstRow + row) / PER_WORD - firstWord; from < words.length; from += numWords) {
                dst[at + col++] = (byte) (words[from] >>> shift & 0xf);
            }
        }

        @Override
        public void scales(int row, float[] dst, int at) {
            groups.scales(row, dst, at);
        }

        @Override
        public void offsets(int row, float[] dst, int at) {
            int place = PLACES[(firstRow + row) % PER_WORD];
            for (int group = 0; group < groups.numGroups(); group++) {
                dst[at + group] = -groups.stored(row, group, place) * groups.scale(row, group);
            }
        }
    }
}
