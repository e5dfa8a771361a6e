package dev.quire.kernel.cuda;

import dev.quire.tensor.QuantizedMatrix;

/**
 * A matrix of 8-bit codes on the device, as {@code codes.cuh} takes it.
 *
 * @param inStride bytes from row to row: inFeatures, rounded up to 16, zeros behind them
 * @param integers whether codes are signed integers, else E4M3
 * @param codes device address
 * @param scales device address of f32 [outFeatures], or in groups [ceil(outFeatures / scaleRows), groupStride]
 * @param groups whether 128 columns share a scale
 * @param scaleRows rows that share scales: 1 or 128
 * @param groupStride scales from row to row: one for each 128 columns, rounded up to 4
 * @param sums device address of the sums of each row of integers, int32 [outFeatures], or 0 where inputs have no zero point
 * @param bias device address of f32 [outFeatures], or 0
 * @param biasBf16 the same in bf16, or 0
 */
record CodesMatrix(
        int outFeatures,
        int inFeatures,
        int inStride,
        boolean integers,
        long codes,
        long scales,
        boolean groups,
        int scaleRows,
        int groupStride,
        long sums,
        long bias,
        long biasBf16) {
    static final int GROUP = 128;
    private static final int ALIGN = 16;
    private static final int ALIGN_GROUPS = 4;

    static int inStride(int inFeatures) {
        return (inFeatures + ALIGN - 1) / ALIGN * ALIGN;
    }

    static int numGroups(int inFeatures) {
        return (inFeatures + GROUP - 1) / GROUP;
    }

    static int groupStride(int inFeatures) {
        return (numGroups(inFeatures) + ALIGN_GROUPS - 1) / ALIGN_GROUPS * ALIGN_GROUPS;
    }

    /** Whether the matrix' scales can be kept: one a row, or for runs of columns that 128 divides. */
    static boolean fits(QuantizedMatrix matrix) {
        return matrix.columnOrder() == null && (!isGrouped(matrix) || matrix.groupSize() % GROUP == 0);
    }

    static boolean isGrouped(QuantizedMatrix matrix) {
        return matrix.groupSize() < matrix.numCols();
    }
}
