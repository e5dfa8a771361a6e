package dev.quire.weights.quant;

import dev.quire.tensor.FloatBits;
import dev.quire.tensor.QuantizedMatrix;

/** Numbers of a quantized matrix by the letter of its contract, columns in the layer's order. */
final class Decoded {
    private Decoded() {}

    /** Rows {@code firstRow} to {@code firstRow + count}, row-major. */
    static float[] rows(QuantizedMatrix matrix, int firstRow, int count) {
        QuantizedMatrix.Rows rows = matrix.rows(firstRow, count);
        int cols = matrix.numCols();
        float[] values = new float[count * cols];
        for (int row = 0; row < count; row++) {
            // One more at each end: a reader writes what it should and nothing else.
            byte[] codes = new byte[cols + 2];
            float[] scales = new float[matrix.numGroups() + 2];
            float[] offsets = new float[matrix.numGroups() + 2];
            codes[0] = codes[cols + 1] = 77;
            rows.codes(row, codes, 1);
            rows.scales(row, scales, 1);
            if (matrix.codes().isInteger()) {
                rows.offsets(row, offsets, 1);
            }
            if (codes[0] != 77 || codes[cols + 1] != 77 || scales[scales.length - 1] != 0 || scales[0] != 0) {
                throw new AssertionError("written beside the row");
            }
            for (int c = 0; c < cols; c++) {
                int group = 1 + c / matrix.groupSize();
                int input = matrix.columnOrder() == null ? c : matrix.columnOrder()[c];
                byte code = codes[c + 1];
                values[row * cols + input] = matrix.codes().isInteger()
                        ? (float) ((code & 0xff) * (double) scales[group] + offsets[group])
                        : FloatBits.f8e4m3ToFloat(code) * scales[group];
            }
        }
        return values;
    }

    static float[] all(QuantizedMatrix matrix) {
        return rows(matrix, 0, matrix.numRows());
    }
}
