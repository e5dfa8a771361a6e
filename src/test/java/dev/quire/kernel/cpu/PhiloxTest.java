package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PhiloxTest {
    /** Known answers of Random123 (words 6627e8d5 e169c58d … for zero key and counter). */
    @Test
    void matchesTheKnownAnswer() {
        assertThat(Philox.bits(0, 0)).isEqualTo(0xe169c58d6627e8d5L);
    }

    @Test
    void scalesUnsignedBits() {
        Random random = new Random(1);
        for (int i = 0; i < 1000; i++) {
            long bits = random.nextLong();
            long bound = random.nextLong() >>> 1;
            BigInteger exact = new BigInteger(Long.toUnsignedString(bits))
                    .multiply(BigInteger.valueOf(bound))
                    .shiftRight(64);
            assertThat(Philox.scale(bits, bound)).isEqualTo(exact.longValueExact());
        }
    }
}
