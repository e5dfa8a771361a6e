package dev.quire.tensor;

import org.jspecify.annotations.Nullable;

/**
 * A matrix W {@code [numRows, numCols]} of a checkpoint in small codes, whatever its layout on disk: of integers
 * {@code W[r, c] = code[r, c] · scale[r, g] + offset[r, g]}, of 8-bit floats {@code W[r, c] = e4m3(code[r, c]) · scale[r, g]}, with g =
 * c / groupSize. Valid while its checkpoint is open; {@link #rows} may be called on any thread.
 */
public interface QuantizedMatrix {
    /** What a code is. */
    enum Codes {
        INT4(4),
        INT5(5),
        INT6(6),
        INT8(8),
        /** A float of 4 exponent and 3 significand bits, {@link DType#F8_E4M3}. */
        E4M3(8);

        private final int numBits;

        Codes(int numBits) {
            this.numBits = numBits;
        }

        public int numBits() {
            return numBits;
        }

        /** Whether codes are unsigned integers, 0 to 2^numBits − 1. */
        public boolean isInteger() {
            return this != E4M3;
        }
    }

    /** The layer's name in the checkpoint. */
    String name();

    /** Outputs of the layer. */
    int numRows();

    /** Inputs of the layer. */
    int numCols();

    Codes codes();

    /** Columns that share a scale; {@link #numCols} for one scale a row. The last group may be shorter. */
    int groupSize();

    /** Neighbouring rows, from row 0, that have the same scales: {@link #numRows} for one scale a matrix. */
    default int scaleRows() {
        return 1;
    }

    /** Whether each offset is −2^(numBits−1) · scale, for integers, so that none need be kept; 8-bit floats are. */
    boolean isSymmetric();

    /**
     * For matrices whose groups are not runs of the layer's inputs (activation order): column c here multiplies input
     * {@code columnOrder()[c]}. Null when the order is the layer's. Do not change it.
     */
    int @Nullable [] columnOrder();

    /** A type that holds every scale, and every offset of a matrix that is not symmetric, exactly; F32 holds any. */
    default DType scaleType() {
        return DType.F32;
    }

    /** Bytes in the checkpoint. */
    long sizeBytes();

    /** Scales of a row. */
    default int numGroups() {
        return (numCols() + groupSize() - 1) / groupSize();
    }

    /** Copies rows out of the checkpoint. Fastest when firstRow and count are multiples of 8, for layouts that pack rows. */
    Rows rows(int firstRow, int count);

    /** Some rows; {@code row} counts from the first of them. */
    interface Rows {
        /** numCols codes, one a byte. */
        void codes(int row, byte[] dst, int at);

        /** numGroups scales. */
        void scales(int row, float[] dst, int at);

        /** numGroups offsets; of integers only. */
        void offsets(int row, float[] dst, int at);
    }
}
