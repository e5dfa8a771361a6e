package dev.quire.kernel.cpu;

import dev.quire.tensor.QuantizedMatrix;

/**
 * How small codes lie in a panel: in blocks of {@link #blockCols} columns, {@link #blockWords} vectors of words each. A
 * word of lane l holds the codes of rows l and L + l, column after column, lowest bits first; codes of 5 and 6 bits give
 * their low four bits to words of four columns, and the rest to a last word of the block.
 */
enum PanelCodes {
    INT4(4, 4, 1),
    INT5(5, 16, 5),
    INT6(6, 8, 3),
    INT8(8, 2, 1),
    E4M3(8, 2, 1);

    /** Columns of the largest block. */
    static final int MAX_BLOCK_COLS = 16;

    private static final int QUAD_COLS = 4;

    final int numBits;
    final int blockCols;
    final int blockWords;

    PanelCodes(int numBits, int blockCols, int blockWords) {
        this.numBits = numBits;
        this.blockCols = blockCols;
        this.blockWords = blockWords;
    }

    static PanelCodes of(QuantizedMatrix.Codes codes) {
        return switch (codes) {
            case INT4 -> INT4;
            case INT5 -> INT5;
            case INT6 -> INT6;
            case INT8 -> INT8;
            case E4M3 -> E4M3;
        };
    }

    boolean isInteger() {
        return this != E4M3;
    }

    /** What a scale is multiplied by before use: an integer q of n bits is read as 1 + q / 2ⁿ. */
    float scaleFactor() {
        return isInteger() ? 1 << numBits : 0x1p60f;
    }

    /**
     * What inputs are multiplied by before use. An 8-bit float is read as 2^-120 of itself: half of that is made good here, so
     * that no product leaves f32, and half by the scale.
     */
    float inputFactor() {
        return isInteger() ? 1 : 0x1p60f;
    }

    /** What a scale, with its factor, is multiplied by to be the bias where no offset is kept: the zero in the middle. */
    float symmetricBias() {
        return isInteger() ? -1.5f : 0;
    }

    /** Words, in vectors, of a run of columns from the start of a block. */
    int numWords(int cols) {
        return Lanes.roundUp(cols, blockCols) / blockCols * blockWords;
    }

    /**
     * Packs whole blocks of a panel.
     *
     * @param codes one a byte, row r's from {@code from + r · stride}; what lies beyond a group's columns means nothing
     * @param to the first block's first word
     */
    void pack(byte[] codes, int from, int stride, int numBlocks, int[] words, int to) {
        for (int block = 0; block < numBlocks; block++) {
            int col = from + block * blockCols;
            int at = to + block * blockWords * Lanes.COUNT;
            for (int lane = 0; lane < Lanes.COUNT; lane++) {
                int low = col + lane * stride;
                int high = low + Lanes.COUNT * stride;
                if (numBits == 8) {
                    words[at + lane] = codes[low] & 0xff
                            | (codes[high] & 0xff) << 8
                            | (codes[low + 1] & 0xff) << 16
                            | codes[high + 1] << 24;
                } else {
                    packInts(codes, low, high, words, at + lane);
                }
            }
        }
    }

    private void packInts(byte[] codes, int low, int high, int[] words, int at) {
        for (int i = 0; i < blockCols; i += QUAD_COLS) {
            words[at + i / QUAD_COLS * Lanes.COUNT] = codes[low + i] & 15
                    | (codes[high + i] & 15) << 4
                    | (codes[low + i + 1] & 15) << 8
                    | (codes[high + i + 1] & 15) << 12
                    | (codes[low + i + 2] & 15) << 16
                    | (codes[high + i + 2] & 15) << 20
                    | (codes[low + i + 3] & 15) << 24
                    | codes[high + i + 3] << 28;
        }
        if (numBits > 4) {
            int bits = numBits - 4;
            int word = 0;
            for (int i = 0; i < blockCols; i++) {
                word |= codes[low + i] >> 4 << 2 * bits * i | codes[high + i] >> 4 << 2 * bits * i + bits;
            }
            words[at + (blockWords - 1) * Lanes.COUNT] = word;
        }
    }

    /**
     * The code that {@link #pack} stored.
     *
     * @param at the block's first word in lane 0
     * @param col column in the block
     * @param row row in the panel
     */
    int get(int[] words, int at, int col, int row) {
        int lane = at + row % Lanes.COUNT;
        int place = 2 * col + row / Lanes.COUNT;
        if (numBits == 8) {
            return words[lane] >>> 8 * place & 0xff;
        }
        int low = words[lane + col / QUAD_COLS * Lanes.COUNT] >>> 4 * (place % (2 * QUAD_COLS)) & 15;
        if (numBits == 4) {
            return low;
        }
        int high = words[lane + (blockWords - 1) * Lanes.COUNT] >>> (numBits - 4) * place;
        return low | (high & (1 << numBits - 4) - 1) << 4;
    }

    /** What a code is read as, exactly: 1 + q / 2ⁿ, or 2^-120 of the 8-bit float. */
    float value(int code) {
        if (isInteger()) {
            return Float.intBitsToFloat(0x3f800000 | code << 23 - numBits);
        }
        return Float.intBitsToFloat((code & 0x80) << 24 | (code & 0x7f) << 20);
    }
}
