package dev.quire.kernel.cpu;

/**
 * A resident weight matrix [rows, cols], row after row in its stored precision. Columns are padded with zeros to whole
 * blocks; inside a block the elements lie so that a vector of 32-bit words yields vectors of consecutive columns by
 * shifts and masks alone. Rows of a matrix too large for one array are split over several.
 */
abstract class PackedMatrix {
    /** Words of the largest array: 4 GiB. */
    private static final int MAX_ARRAY_WORDS = 1 << 30;

    final int rows;
    final int cols;
    /** cols rounded up to whole blocks. */
    final int paddedCols;
    /** 32-bit words from one row to the next. */
    final int rowWords;

    final int rowsPerArray;

    PackedMatrix(int rows, int cols, int blockCols, int colsPerWord) {
        this.rows = rows;
        this.cols = cols;
        paddedCols = Lanes.roundUp(cols, blockCols);
        rowWords = paddedCols / colsPerWord;
        rowsPerArray = Math.max(1, MAX_ARRAY_WORDS / Math.max(1, rowWords));
    }

    /** Columns of one block: what {@link #unpack} works in. */
    abstract int blockCols();

    /** Bytes that stay resident. */
    abstract long numBytes();

    /**
     * Converts columns [col, col + count) of a row to float; col and count are multiples of {@link #blockCols}, at most
     * paddedCols.
     */
    abstract void unpack(int row, int col, int count, float[] dst, int dstOffset);

    final int numArrays() {
        return (rows + rowsPerArray - 1) / rowsPerArray;
    }

    final int arrayRows(int array) {
        return Math.min(rowsPerArray, rows - array * rowsPerArray);
    }

    final int[][] newWords() {
        int[][] words = new int[numArrays()][];
        for (int i = 0; i < words.length; i++) {
            words[i] = new int[arrayRows(i) * rowWords];
        }
        return words;
    }
}
