package dev.quire.kernel.cuda;

import dev.quire.tensor.FloatBits;
import dev.quire.tensor.QuantizedMatrix;

/**
 * How {@code int_weights.cuh} keeps a matrix of integers: 4 or 8 bits (5 and 6 as 8), and its scales as small as they are
 * exact.
 *
 * @param bits of a code, 4 or 8
 * @param groupSize columns that share a scale, a multiple of 16
 * @param granulesPerStep scales for each 64 columns of a row: 1 (or fewer), 2 or 4
 * @param offsets whether a scale is followed by its offset
 * @param scales how a scale is stored
 */
record IntForm(int bits, int groupSize, int granulesPerStep, boolean offsets, Scales scales) {
    /** Columns of a block of codes. */
    static final int STEP = 64;
    /** Rows of a block. */
    static final int TILE = 16;

    private static final int MIN_GROUP = 16;
    private static final int SAMPLED_TILES = 16;
    private static final int WIDE = 1;
    private static final int OFFSETS = 2;
    private static final int HALF = 4;

    /** Of 16 bits come with offsets that are small multiples of the scale; F32 with any. */
    enum Scales {
        BF16,
        F16,
        F32
    }

    /** Whether a matrix can be kept so. */
    static boolean fits(QuantizedMatrix matrix) {
        return matrix.codes().isInteger()
                && matrix.numCols() % 8 == 0
                && (matrix.groupSize() >= matrix.numCols() || matrix.groupSize() % MIN_GROUP == 0);
    }

    /** The form of a matrix, its scales judged by rows from all over it: they are of one type in a checkpoint. */
    static IntForm of(QuantizedMatrix matrix) {
        int cols = steps(matrix.numCols()) * STEP;
        int group = Math.min(matrix.groupSize(), cols);
        group = group >= matrix.numCols() ? cols : group;
        int granules = group % STEP == 0 ? 1 : group % (STEP / 2) == 0 ? 2 : 4;
        return new IntForm(
                matrix.codes() == QuantizedMatrix.Codes.INT4 ? 4 : 8,
                group,
                granules,
                !matrix.isSymmetric(),
                scales(matrix));
    }

    private static Scales scales(QuantizedMatrix matrix) {
        int tiles = (matrix.numRows() + TILE - 1) / TILE;
        int samples = Math.min(tiles, SAMPLED_TILES);
        boolean halves = true;
        boolean bf16 = true;
        float[] scales = new float[matrix.numGroups()];
        float[] offsets = new float[matrix.numGroups()];
        for (int i = 0; i < samples && (halves || bf16); i++) {
            int first = (samples == 1 ? 0 : (int) ((long) i * (tiles - 1) / (samples - 1))) * TILE;
            int count = Math.min(TILE, matrix.numRows() - first);
            QuantizedMatrix.Rows rows = matrix.rows(first, count);
            for (int row = 0; row < count; row++) {
                rows.scales(row, scales, 0);
                if (!matrix.isSymmetric()) {
                    rows.offsets(row, offsets, 0);
                }
                for (int g = 0; g < scales.length; g++) {
                    boolean whole =
                            matrix.isSymmetric() || isMultiple(centred(matrix, scales[g], offsets[g]), scales[g]);
                    bf16 &= whole && rounded(scales[g], Scales.BF16) == scales[g];
                    halves &= whole && rounded(scales[g], Scales.F16) == scales[g];
                }
            }
        }
        return bf16 ? Scales.BF16 : halves ? Scales.F16 : Scales.F32;
    }

    /** The code of the integer 0. */
    static int centre(QuantizedMatrix matrix) {
        return 1 << (matrix.codes().numBits() - 1);
    }

    /** The offset of codes that are counted from their centre. */
    static float centred(QuantizedMatrix matrix, float scale, float offset) {
        return Math.fma(centre(matrix), scale, offset);
    }

    /** Whether an offset is kept exactly as its ratio to the scale: an integer of eight bits. */
    static boolean isMultiple(float offset, float scale) {
        float ratio = multiple(offset, scale);
        return Math.abs(ratio) <= 256 && ratio * scale == offset;
    }

    static float multiple(float offset, float scale) {
        return scale == 0 ? 0 : Math.round(offset / scale);
    }

    static float rounded(float value, Scales scales) {
        return switch (scales) {
            case BF16 -> FloatBits.bf16ToFloat(FloatBits.floatToBf16(value));
            case F16 -> FloatBits.f16ToFloat(FloatBits.floatToF16(value));
            case F32 -> value;
        };
    }

    /** Whether two matrices can be one, and in which form. */
    boolean joins(IntForm other) {
        return bits == other.bits && groupSize == other.groupSize && granulesPerStep == other.granulesPerStep;
    }

    IntForm join(IntForm other) {
        Scales both = scales == other.scales ? scales : Scales.F32;
        return new IntForm(bits, groupSize, granulesPerStep, offsets || other.offsets, both);
    }

    static int steps(int cols) {
        return (cols + STEP - 1) / STEP;
    }

    static int tiles(int rows) {
        return (rows + TILE - 1) / TILE;
    }

    /** Bytes of one row tile's codes. */
    int codeBytes(int cols) {
        return steps(cols) * TILE * STEP * bits / 8;
    }

    /** Bytes of one row's scale and offset. */
    int width() {
        return (scales == Scales.F32 ? 4 : 2) * (offsets ? 2 : 1);
    }

    /** Scales of a row. */
    int granules(int cols) {
        return granulesPerStep > 1 ? steps(cols) * granulesPerStep : (steps(cols) * STEP + groupSize - 1) / groupSize;
    }

    /** The group of a granule. */
    int group(int granule) {
        return granulesPerStep > 1 ? granule * (STEP / granulesPerStep) / groupSize : granule;
    }

    /** Bytes of one row tile's scales. */
    int scaleBytes(int cols) {
        return granules(cols) * TILE * width();
    }

    /** All bytes of a matrix. */
    long bytes(int rows, int cols) {
        return (long) tiles(rows) * (codeBytes(cols) + scaleBytes(cols));
    }

    /** For the kernels: how scales are stored. */
    int flags() {
        return (scales == Scales.F32 ? WIDE : 0) | (offsets ? OFFSETS : 0) | (scales == Scales.F16 ? HALF : 0);
    }

    /** For the kernels: ceil(2^32 / steps of a group), which divides by a multiplication; 0 where a group is a step. */
    int groupSteps() {
        int steps = groupSize / STEP;
        return granulesPerStep > 1 || steps == 1 ? 0 : (int) (((1L << 32) + steps - 1) / steps);
    }
}
