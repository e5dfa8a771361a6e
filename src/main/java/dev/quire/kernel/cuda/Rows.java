package dev.quire.kernel.cuda;

/** Launch geometry of kernels that go over rows, eight bf16 a thread. */
final class Rows {
    private static final int MAX_GRID_Y = 65535;
    private static final int VECTOR = 8;

    private Rows() {}

    /** Blocks for so many columns. */
    static int gridX(int columns, int block) {
        int vectors = (columns + VECTOR - 1) / VECTOR;
        return Math.max(1, (vectors + block - 1) / block);
    }

    static int gridY(int numRows) {
        return Math.min(numRows, MAX_GRID_Y);
    }
}
