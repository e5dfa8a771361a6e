package dev.quire.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class FloatBitsTest {
    @Test
    void everyHalfHasTheValueOfItsFormulaAndComesBack() {
        for (int bits = 0; bits < 65536; bits++) {
            int exponent = (bits >> 10) & 31;
            int fraction = bits & 1023;
            double magnitude = exponent == 0
                    ? Math.scalb((double) fraction, -24)
                    : exponent == 31
                            ? (fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN)
                            : Math.scalb(1 + fraction / 1024.0, exponent - 15);
            float expected = (float) (bits >= 32768 ? -magnitude : magnitude);
            float actual = FloatBits.f16ToFloat((short) bits);
            assertThat(actual).as("half %04x", bits).isEqualTo(Float.valueOf(expected));
            if (!Float.isNaN(actual)) {
                assertThat(FloatBits.floatToF16(actual)).isEqualTo((short) bits);
            }
        }
        assertThat(FloatBits.f16ToFloat(FloatBits.floatToF16(Float.NaN))).isNaN();
    }

    @Test
    void roundsToTheNearestHalfTiesToEven() {
        Random random = new Random(1);
        for (int i = 0; i < 200_000; i++) {
            float value = Float.intBitsToFloat(random.nextInt());
            if (!(Math.abs(value) < 65504)) {
                continue;
            }
            short half = FloatBits.floatToF16(value);
            double error = Math.abs((double) FloatBits.f16ToFloat(half) - value);
            for (int step : new int[] {-1, 1}) {
                float neighbour = FloatBits.f16ToFloat((short) (half + step));
                if (Float.isFinite(neighbour) && neighbour != 0) {
                    double other = Math.abs((double) neighbour - value);
                    assertThat(error).as("%s", value).isLessThanOrEqualTo(other);
                    if (error == other) {
                        assertThat(half & 1).as("tie %s", value).isZero();
                    }
                }
            }
        }
        assertThat(FloatBits.floatToF16(65519.99f)).isEqualTo((short) 0x7bff);
        assertThat(FloatBits.floatToF16(65520f)).isEqualTo((short) 0x7c00);
        assertThat(FloatBits.floatToF16(-1e30f)).isEqualTo((short) 0xfc00);
        assertThat(FloatBits.floatToF16(0x1p-25f)).isEqualTo((short) 0);
        assertThat(FloatBits.floatToF16(0x1.8p-25f)).isEqualTo((short) 1);
    }

    @Test
    void bfloat16IsTheUpperHalfOfAFloatRounded() {
        for (int bits = 0; bits < 65536; bits++) {
            float value = FloatBits.bf16ToFloat((short) bits);
            assertThat(Float.floatToRawIntBits(value)).isEqualTo(bits << 16);
            if (!Float.isNaN(value)) {
                assertThat(FloatBits.floatToBf16(value)).isEqualTo((short) bits);
            }
        }
        assertThat(FloatBits.floatToBf16(Float.intBitsToFloat(0x3f808000))).isEqualTo((short) 0x3f80);
        assertThat(FloatBits.floatToBf16(Float.intBitsToFloat(0x3f818000))).isEqualTo((short) 0x3f82);
        assertThat(FloatBits.floatToBf16(Float.intBitsToFloat(0x3f808001))).isEqualTo((short) 0x3f81);
        assertThat(FloatBits.bf16ToFloat(FloatBits.floatToBf16(Float.intBitsToFloat(0x7f800001))))
                .isNaN();
    }

    @Test
    void eightBitFormatsHaveTheValuesOfTheirFormulas() {
        for (int bits = 0; bits < 256; bits++) {
            int sign = bits >= 128 ? -1 : 1;
            int exponent = (bits >> 3) & 15;
            int fraction = bits & 7;
            double e4m3 = (bits & 127) == 127
                    ? Double.NaN
                    : exponent == 0 ? Math.scalb((double) fraction, -9) : Math.scalb(1 + fraction / 8.0, exponent - 7);
            assertThat(FloatBits.f8e4m3ToFloat((byte) bits)).isEqualTo(Float.valueOf((float) (sign * e4m3)));
            double e8m0 = bits == 255 ? Double.NaN : Math.scalb(1.0, bits - 127);
            assertThat(FloatBits.f8e8m0ToFloat((byte) bits)).isEqualTo(Float.valueOf((float) e8m0));
        }
        assertThat(FloatBits.f8e4m3ToFloat((byte) 0x7e)).isEqualTo(448f);
        assertThat(FloatBits.f8e5m2ToFloat((byte) 0x7b)).isEqualTo(57344f);
        assertThat(FloatBits.f8e5m2ToFloat((byte) 0x01)).isEqualTo(0x1p-16f);
    }

    @Test
    void everyE4m3ComesBack() {
        for (int bits = 0; bits < 256; bits++) {
            assertThat(FloatBits.floatToF8e4m3(FloatBits.f8e4m3ToFloat((byte) bits)))
                    .as("code %02x", bits)
                    .isEqualTo((byte) bits);
        }
    }

    @Test
    void roundsToTheNearestE4m3TiesToEven() {
        for (int code = 0; code < 0x7e; code++) {
            float below = FloatBits.f8e4m3ToFloat((byte) code);
            float above = FloatBits.f8e4m3ToFloat((byte) (code + 1));
            float middle = below + (above - below) / 2;
            byte even = (byte) (code % 2 == 0 ? code : code + 1);
            assertThat(FloatBits.floatToF8e4m3(middle))
                    .as("tie above %02x", code)
                    .isEqualTo(even);
            assertThat(FloatBits.floatToF8e4m3(Math.nextDown(middle))).isEqualTo((byte) code);
            assertThat(FloatBits.floatToF8e4m3(Math.nextUp(middle))).isEqualTo((byte) (code + 1));
            assertThat(FloatBits.floatToF8e4m3(-middle)).isEqualTo((byte) (even | 0x80));
            assertThat(FloatBits.floatToF8e4m3(-Math.nextDown(middle))).isEqualTo((byte) (code | 0x80));
            assertThat(FloatBits.floatToF8e4m3(-Math.nextUp(middle))).isEqualTo((byte) ((code + 1) | 0x80));
        }
    }

    @Test
    void e4m3SaturatesAndKeepsNaN() {
        for (float large :
                new float[] {Math.nextUp(448f), 464f, 480f, 1e30f, Float.MAX_VALUE, Float.POSITIVE_INFINITY}) {
            assertThat(FloatBits.floatToF8e4m3(large)).as("%s", large).isEqualTo((byte) 0x7e);
            assertThat(FloatBits.floatToF8e4m3(-large)).as("%s", -large).isEqualTo((byte) 0xfe);
        }
        assertThat(FloatBits.floatToF8e4m3(Float.MIN_VALUE)).isEqualTo((byte) 0);
        assertThat(FloatBits.floatToF8e4m3(-0f)).isEqualTo((byte) 0x80);
        assertThat(FloatBits.f8e4m3ToFloat(FloatBits.floatToF8e4m3(Float.NaN))).isNaN();
        assertThat(FloatBits.f8e4m3ToFloat(FloatBits.floatToF8e4m3(Float.intBitsToFloat(0xff800001))))
                .isNaN();
    }
}
