package dev.quire.kernel;

import dev.quire.tensor.FloatBits;
import dev.quire.tensor.QuantizedMatrix;

/** Some rows of a quantized checkpoint matrix as numbers, columns in the matrix' own order. */
public final class DequantizedRows {
    private final QuantizedMatrix matrix;
    private final QuantizedMatrix.Rows rows;
    private final byte[] codes;
    private final float[] scales;
    private final float[] offsets;
    private final float[] values;

    /** Copies {@code count} rows from {@code firstRow} out of the checkpoint. */
    public DequantizedRows(QuantizedMatrix matrix, int firstRow, int count) {
        this.matrix = matrix;
        rows = matrix.rows(firstRow, count);
        codes = new byte[matrix.numCols()];
        scales = new float[matrix.numGroups()];
        offsets = new float[matrix.numGroups()];
        values = new float[matrix.numCols()];
    }

    /** One row in f32; {@code row} counts from the first. */
    public void copyTo(int row, float[] dst, int at) {
        rows.codes(row, codes, 0);
        rows.scales(row, scales, 0);
        boolean integers = matrix.codes().isInteger();
        if (integers) {
            rows.offsets(row, offsets, 0);
        }
        int groupSize = matrix.groupSize();
        for (int group = 0; group < scales.length; group++) {
            int end = Math.min(matrix.numCols(), (group + 1) * groupSize);
            float scale = scales[group];
            float offset = offsets[group];
            for (int col = group * groupSize; col < end; col++) {
                dst[at + col] = integers
                        ? Math.fma(codes[col] & 0xff, scale, offset)
                        : FloatBits.f8e4m3ToFloat(codes[col]) * scale;
            }
        }
    }

    /** One row in bf16, rounded to the nearest, ties to even. */
    public void copyTo(int row, short[] dst, int at) {
        copyTo(row, values, 0);
        for (int col = 0; col < values.length; col++) {
            dst[at + col] = FloatBits.floatToBf16(values[col]);
        }
    }
}
