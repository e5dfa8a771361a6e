package dev.quire.kernel.cpu;

import dev.quire.kernel.ActivationKernels.Gate;

/** Scalar loops with the bits of the vector ones. */
final class PlainRowLoops implements RowLoops {
    private static final int L = Lanes.COUNT;

    @Override
    public float sumOfSquares(float[] x, int from, int length) {
        int whole = length - length % (2 * L);
        float sum = lane(x, from, whole);
        for (int lane = 1; lane < L; lane++) {
            sum += lane(x, from + lane, whole);
        }
        for (int j = whole; j < length; j++) {
            sum += x[from + j] * x[from + j];
        }
        return sum;
    }

    /** One lane of the two vectors of chains. */
    private static float lane(float[] x, int from, int whole) {
        float even = 0;
        float odd = 0;
        for (int j = 0; j < whole; j += 2 * L) {
            float a = x[from + j];
            float b = x[from + j + L];
            even = Math.fma(a, a, even);
            odd = Math.fma(b, b, odd);
        }
        return even + odd;
    }

    @Override
    public void add(float[] x, int to, float[] delta, int from, float deltaScale, int length) {
        for (int j = 0; j < length; j++) {
            x[to + j] += delta[from + j] * deltaScale;
        }
    }

    @Override
    public void scale(
            float[] out, int to, float[] x, int from, float[] weight, int weightAt, int length, float factor) {
        for (int j = 0; j < length; j++) {
            out[to + j] = x[from + j] * factor * weight[weightAt + j];
        }
    }

    @Override
    public void gate(Gate gate, float[] out, int to, float[] gateUp, int from, int ffn) {
        int whole = ffn - ffn % L;
        for (int j = 0; j < whole; j++) {
            float x = gateUp[from + j];
            float z = gate == Gate.SILU ? x : (x * x * Gates.GELU_CUBIC + Gates.GELU_LINEAR) * x;
            out[to + j] = x / Gates.onePlusExp(z) * gateUp[from + ffn + j];
        }
        for (int j = whole; j < ffn; j++) {
            out[to + j] = (float) Gates.exact(gateUp[from + j], gate) * gateUp[from + ffn + j];
        }
    }

    @Override
    public void rotateHalves(float[] x, int at, int half, float[] cosines, float[] sines, int row) {
        for (int i = 0; i < half; i++) {
            float a = x[at + i];
            float b = x[at + half + i];
            x[at + i] = a * cosines[row + i] - b * sines[row + i];
            x[at + half + i] = b * cosines[row + i] + a * sines[row + i];
        }
    }
}
