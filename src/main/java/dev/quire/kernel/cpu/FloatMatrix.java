package dev.quire.kernel.cpu;

/** f32 weights: nothing to unpack, the product reads the arrays themselves. */
final class FloatMatrix extends PackedMatrix {
    final float[][] values;

    FloatMatrix(int rows, int cols) {
        super(rows, cols, Lanes.COUNT, 1);
        values = new float[numArrays()][];
        for (int i = 0; i < values.length; i++) {
            values[i] = new float[arrayRows(i) * rowWords];
        }
    }

    @Override
    int blockCols() {
        return Lanes.COUNT;
    }

    @Override
    long numBytes() {
        return 4L * rows * rowWords;
    }

    float[] array(int row) {
        return values[row / rowsPerArray];
    }

    int offset(int row) {
        return row % rowsPerArray * rowWords;
    }

    @Override
    void unpack(int row, int col, int count, float[] dst, int dstOffset) {
        System.arraycopy(array(row), offset(row) + col, dst, dstOffset, count);
    }
}
