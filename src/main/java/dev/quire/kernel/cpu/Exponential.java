package dev.quire.kernel.cpu;

/**
 * e^x in f32 by one fixed sequence of IEEE operations, so that scalar code, vector code and a GPU give the same bits.
 *
 * <p>n = round(x / ln 2) by adding and subtracting 1.5 · 2^23; r = x - n · ln 2 in two fused steps; a polynomial of
 * degree 6 in r by fused multiply-adds (coefficients of Cephes' expf); then n is added to the exponent bits. Relative
 * error at most 1.2e-7; e^0 is exactly 1; below {@link #CUTOFF}, and at -∞, the result is 0; NaN stays NaN. Only for
 * x ≤ 0 (it is right up to about 88).
 */
final class Exponential {
    /** Results below are not normal numbers any more. */
    static final float CUTOFF = -87f;

    static final float LOG2_E = 1.44269504f;
    static final float MAGIC = 12582912f;
    static final float LN2_HIGH = 0.693359375f;
    static final float LN2_LOW = -2.12194440e-4f;
    static final float P0 = 1.9875691500e-4f;
    static final float P1 = 1.3981999507e-3f;
    static final float P2 = 8.3334519073e-3f;
    static final float P3 = 4.1665795894e-2f;
    static final float P4 = 1.6666665459e-1f;
    static final float P5 = 5.0000001201e-1f;

    /** Below this |x| tanh is a short polynomial: 1 - 2 / (e^2x + 1) would cancel. */
    static final float SMALL_TANH = 0.3f;

    static final float TANH_1 = -1f / 3f;
    static final float TANH_3 = 2f / 15f;
    static final float TANH_5 = -17f / 315f;
    static final float TANH_7 = 62f / 2835f;

    private Exponential() {}

    static float exp(float x) {
        if (x < CUTOFF) {
            return 0f;
        }
        float shifted = Math.fma(x, LOG2_E, MAGIC);
        float n = shifted - MAGIC;
        float r = Math.fma(n, -LN2_HIGH, x);
        r = Math.fma(n, -LN2_LOW, r);
        float p = Math.fma(P0, r, P1);
        p = Math.fma(p, r, P2);
        p = Math.fma(p, r, P3);
        p = Math.fma(p, r, P4);
        p = Math.fma(p, r, P5);
        p = Math.fma(p, r * r, r) + 1f;
        return Float.intBitsToFloat(Float.floatToRawIntBits(p) + (Float.floatToRawIntBits(shifted) << 23));
    }

    /** {@link VectorMath#tanh}, bit for bit. */
    static float tanh(float x) {
        float magnitude = Math.abs(x);
        float square = x * x;
        float p = Math.fma(square, TANH_7, TANH_5);
        p = Math.fma(p, square, TANH_3);
        p = Math.fma(p, square, TANH_1);
        float small = Math.fma(p * square, magnitude, magnitude);
        float e = exp(magnitude * -2f);
        float result = magnitude < SMALL_TANH ? small : (1f - e) / (e + 1f);
        return x < 0 ? -result : result;
    }
}
