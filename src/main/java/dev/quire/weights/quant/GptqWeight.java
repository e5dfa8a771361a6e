package dev.quire.weights.quant;

import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The weight {@code [N, K]} of a linear layer as GPTQ's writers store it, transposed: {@code W[n, k] = (q[k, n] - zero[g, n]) *
 * scale[g, n]}, g the group of input k. Codes are unsigned, lowest bits of a word first.
 *
 * @param zeroOffset what is added to a stored zero point
 * @param isSymmetric whether every zero point is 2^(numBits-1)
 * @param columnOrder the inputs in the order of their groups; null when groups are runs of inputs
 * @param qweight I32 {@code [K*numBits/32, N]}, packed along K
 * @param qzeros I32 {@code [numGroups, N*numBits/32]}, packed along N
 * @param scale F16, BF16 or F32 {@code [numGroups, N]}
 */
record GptqWeight(
        String name,
        int numBits,
        int numRows,
        int numCols,
        int groupSize,
        int zeroOffset,
        boolean isSymmetric,
        int @Nullable [] columnOrder,
        HostTensor qweight,
        HostTensor qzeros,
        HostTensor scale)
        implements QuantizedMatrix {
    private static final List<DType> SCALE_TYPES = List.of(DType.F16, DType.BF16, DType.F32);

    static GptqWeight load(LayerTensors tensors, GptqScheme scheme, int numRows, int numCols) {
        int bits = scheme.numBits();
        int perWord = 32 / bits;
        if (numRows % perWord != 0 || numCols % perWord != 0) {
            throw tensors.fault(
                    "qweight", "is of a layer [" + numRows + ", " + numCols + "]: words of " + perWord + " do not fit");
        }
        int groupSize = scheme.groupSize() == 0 ? numCols : scheme.groupSize();
        int numGroups = (numCols + groupSize - 1) / groupSize;
        long middle = symmetricWord(bits) - scheme.zeroOffset() * unitWord(bits);
        HostTensor qweight = tensors.codes("qweight", DType.I32, numCols / perWord, numRows);
        HostTensor qzeros = tensors.integers(
                "qzeros", DType.I32, i -> scheme.symmetric() ? middle : middle - 1, numGroups, numRows / perWord);
        HostTensor scale = tensors.scales("scales", SCALE_TYPES, LayerTensors.dummyScale(bits), numGroups, numRows);
        int[] columnOrder = scheme.reordered()
                ? ColumnOrder.read(tensors, "g_idx", numCols, groupSize)
                : ColumnOrder.readIfPresent(tensors, "g_idx", numCols, groupSize);
        return new GptqWeight(
                tensors.prefix(),
                bits,
                numRows,
                numCols,
                groupSize,
                scheme.zeroOffset(),
                scheme.symmetric() && isMiddle(qzeros, bits),
                columnOrder,
                qweight,
                qzeros,
                scale);
    }

    /** A word of codes 1. */
    private static long unitWord(int bits) {
        return bits == 4 ? 0x11111111L : 0x01010101L;
    }

    /** A word of codes 2^(bits-1). */
    private static long symmetricWord(int bits) {
        return unitWord(bits) << bits - 1;
    }

    /**
     * Whether all stored zero points are the middle of either version of the format: writers and their configurations
     * disagree about the version, but symmetric is symmetric.
     */
    private static boolean isMiddle(HostTensor qzeros, int bits) {
        int[] words = new int[Math.toIntExact(qzeros.numElements())];
        qzeros.copyTo(0, words, 0, words.length);
        int second = (int) symmetricWord(bits);
        int first = second - (int) unitWord(bits);
        int expected = words.length > 0 && words[0] == second ? second : first;
        for (int word : words) {
            if (word != expected) {
                return false;
            }
        }
        return true;
    }

    @Override
    public Codes codes() {
        return numBits == 4 ? Codes.INT4 : Codes.INT8;
    }

    @Override
    public DType scaleType() {
        return isSymmetric ? scale.dtype() : DType.F32;
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
        private final GptqWeight weight;
        private final int count;
        /** [numCols/perWord, count] */
        private final int[] words;

        private final TransposedGroups groups;
        /** Where each input goes; null when it stays. */
        private final int @Nullable [] position;

        Rows(GptqWeight weight, int firstRow, int count) {
            this.weight = weight;
            this.count = count;
            int numWords = weight.qweight.shape().intDim(0);
            words = new int[Math.multiplyExact(numWords, count)];
            weight.qweight.copyColumns(0, numWords, firstRow, count, words);
            groups = new TransposedGroups(weight.scale, weight.qzeros, weight.numBits, firstRow, count);
            position = ColumnOrder.inverse(weight.columnOrder);
        }

        @Override
        public void codes(int row, byte[] dst, int at) {
            int bits = weight.numBits;
            int mask = (1 << bits) - 1;
            int col = 0;
            if (bits == 4 && position == null) {
                for (int from = row; from < words.length; from += count, col += Nibbles.PER_WORD) {
                    Nibbles.spread(words[from], dst, at + col);
                }
                return;
            }
            for (int from = row; from < words.length; from += count) {
                int word = words[from];
                for (int shift = 0; shift < 32; shift += bits, col++) {
                    dst[at + (position == null ? col : position[col])] = (byte) (word >>> shift & mask);
                }
            }
        }

        @Override
        public void scales(int row, float[] dst, int at) {
            groups.scales(row, dst, at);
        }

        @Override
        public void offsets(int row, float[] dst, int at) {
            int mask = (1 << weight.numBits) - 1;
            for (int group = 0; group < groups.numGroups(); group++) {
                // A zero point 0 is stored as the largest code in version 1: the sum wraps around.
                int zero = weight.isSymmetric
                        ? 1 << weight.numBits - 1
                        : groups.stored(row, group) + weight.zeroOffset & mask;
                dst[at + group] = -zero * groups.scale(row, group);
            }
        }
    }
}
