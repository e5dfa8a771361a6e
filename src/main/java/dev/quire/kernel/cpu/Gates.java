package dev.quire.kernel.cpu;

import dev.quire.kernel.ActivationKernels.Gate;

/**
 * The gates in numbers. Both are x · σ(z): z = x for SiLU, and z = 2 √(2/π) (x + 0.044715 x³) for the tanh form of GELU,
 * as ½ (1 + tanh u) = σ(2u).
 */
final class Gates {
    // e^t = 2ⁿ e^r, |r| ≤ ½ ln 2; ln 2 in two parts and the polynomial of Cephes' expf (Moshier, 1992): about 2 ulp.
    static final float LOG2_E = 1.44269504f;
    static final float LN2_HIGH = 0.693359375f;
    static final float LN2_LOW = -2.12194440e-4f;
    static final float P0 = 1.9875691500e-4f;
    static final float P1 = 1.3981999507e-3f;
    static final float P2 = 8.3334519073e-3f;
    static final float P3 = 4.1665795894e-2f;
    static final float P4 = 1.6666665459e-1f;
    static final float P5 = 5.0000001201e-1f;
    /** Adding it rounds to an integer, which then lies in the low bits of the significand. */
    static final float ROUNDING = 0x1.8p23f;

    static final int ROUNDING_TO_EXPONENT = 127 - Float.floatToRawIntBits(ROUNDING);
    static final float MAX_EXPONENT = 88;
    static final float MIN_EXPONENT = -87;
    static final float GELU_LINEAR = (float) (2 * Math.sqrt(2 / Math.PI));
    static final float GELU_CUBIC = (float) (2 * Math.sqrt(2 / Math.PI) * 0.044715);

    private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

    private Gates() {}

    /** In double, by the formula: for the last few elements of a row, and to compare with. */
    static double exact(double x, Gate gate) {
        return switch (gate) {
            case SILU -> x / (1 + Math.exp(-x));
            case GELU_TANH -> 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x)));
        };
    }

    /** 1 + e^-z in the vector form's operations. */
    static float onePlusExp(float z) {
        float t = Math.max(Math.min(-z, MAX_EXPONENT), MIN_EXPONENT);
        float rounded = t * LOG2_E + ROUNDING;
        float n = rounded - ROUNDING;
        float r = t - n * LN2_HIGH - n * LN2_LOW;
        float p = r * P0 + P1;
        p = p * r + P2;
        p = p * r + P3;
        p = p * r + P4;
        p = p * r + P5;
        p = p * r * r + r + 1f;
        int power = Float.floatToRawIntBits(rounded) + ROUNDING_TO_EXPONENT;
        return p * Float.intBitsToFloat(power << 23) + 1f;
    }
}
