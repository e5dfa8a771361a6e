package dev.quire.kernel.cpu;

import dev.quire.kernel.ActivationKernels.Gate;

/** The inner loops over one row of activations; all forms give the same bits. */
interface RowLoops {
    /** Σ x[from + j]², j in [0, length): 2L chains, then the lanes from first to last, then what is left over. */
    float sumOfSquares(float[] x, int from, int length);

    /** x[to + j] += delta[from + j] · deltaScale. */
    void add(float[] x, int to, float[] delta, int from, float deltaScale, int length);

    /** out[to + j] = x[from + j] · factor · weight[weightAt + j]. */
    void scale(float[] out, int to, float[] x, int from, float[] weight, int weightAt, int length, float factor);

    /** out[to + j] = gate(gateUp[from + j]) · gateUp[from + ffn + j], j in [0, ffn). */
    void gate(Gate gate, float[] out, int to, float[] gateUp, int from, int ffn);

    /** Rotates the pairs (x[at + i], x[at + half + i]), i in [0, half), by the angles of row {@code row}. */
    void rotateHalves(float[] x, int at, int half, float[] cosines, float[] sines, int row);
}
