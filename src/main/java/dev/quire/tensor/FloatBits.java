package dev.quire.tensor;

/** Converts the narrow floating-point formats to and from float, bit by bit; all methods are pure. */
public final class FloatBits {
    private FloatBits() {}

    /** The float with the value of an IEEE half. */
    public static float f16ToFloat(short half) {
        int magnitude = half & 0x7fff;
        int sign = (half & 0x8000) << 16;
        if (magnitude >= 0x7c00) {
            return Float.intBitsToFloat(sign | 0x7f800000 | (magnitude << 13));
        }
        // Exponent bias 15 read as 127: exact for subnormals too.
        return Float.intBitsToFloat(sign | Float.floatToRawIntBits(Float.intBitsToFloat(magnitude << 13) * 0x1p112f));
    }

    /** The nearest half, ties to even; too large becomes infinity, NaN stays NaN. */
    public static short floatToF16(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = (bits >>> 16) & 0x8000;
        int magnitude = bits & 0x7fffffff;
        if (magnitude >= 0x7f800000) {
            return (short) (sign | 0x7c00 | (magnitude > 0x7f800000 ? 0x200 : 0));
        }
        if (magnitude >= 0x477ff000) {
            return (short) (sign | 0x7c00);
        }
        if (magnitude < 0x38800000) {
            // Adding 0.5 leaves the half's subnormal bits, already rounded, at the bottom of the significand.
            float shifted = Float.intBitsToFloat(magnitude) + 0.5f;
            return (short) (sign | (Float.floatToRawIntBits(shifted) - 0x3f000000));
        }
        int rounded = magnitude - (112 << 23) + 0xfff + ((magnitude >>> 13) & 1);
        return (short) (sign | (rounded >>> 13));
    }

    /** The float with the value of a bfloat16. */
    public static float bf16ToFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** The nearest bfloat16, ties to even; NaN stays NaN. */
    public static short floatToBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (value != value) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }

    /** The float with the value of an FP8 E4M3 (fn: no infinities, 0x7f and 0xff are NaN). */
    public static float f8e4m3ToFloat(byte bits) {
        int magnitude = bits & 0x7f;
        float value = magnitude == 0x7f ? Float.NaN : Float.intBitsToFloat(magnitude << 20) * 0x1p120f;
        return bits < 0 ? -value : value;
    }

    /** The nearest FP8 E4M3, ties to even; what is beyond ±448, infinities too, becomes ±448, NaN stays NaN. */
    public static byte floatToF8e4m3(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = (bits >>> 24) & 0x80;
        int magnitude = bits & 0x7fffffff;
        if (magnitude > 0x7f800000) {
            return (byte) (sign | 0x7f);
        }
        if (magnitude >= 0x43e00000) {
            return (byte) (sign | 0x7e);
        }
        if (magnitude < 0x3c800000) {
            // A float from 2^14 on counts in steps of 2^-9, as subnormals do: adding it rounds.
            float shifted = Float.intBitsToFloat(magnitude) + 0x1p14f;
            return (byte) (sign | (Float.floatToRawIntBits(shifted) - 0x46800000));
        }
        int rounded = magnitude - (120 << 23) + 0x7ffff + ((magnitude >>> 20) & 1);
        return (byte) (sign | (rounded >>> 20));
    }

    /** The float with the value of an FP8 E5M2: the upper byte of a half. */
    public static float f8e5m2ToFloat(byte bits) {
        return f16ToFloat((short) (bits << 8));
    }

    /** The float 2^(bits - 127) of an E8M0 scale; 0xff is NaN. */
    public static float f8e8m0ToFloat(byte bits) {
        int exponent = bits & 0xff;
        if (exponent == 0xff) {
            return Float.NaN;
        }
        return Float.intBitsToFloat(exponent == 0 ? 0x00400000 : exponent << 23);
    }
}
