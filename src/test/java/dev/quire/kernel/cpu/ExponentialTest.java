package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ExponentialTest {
    @Test
    void relativeErrorIsSmall() {
        double worst = 0;
        for (float x = Exponential.CUTOFF; x < 0; x = Math.max(Math.nextUp(x), x + 1e-5f)) {
            double exact = Math.exp(x);
            worst = Math.max(worst, Math.abs(Exponential.exp(x) - exact) / exact);
        }
        assertThat(worst).isLessThan(1.2e-7);
    }

    @Test
    void edges() {
        assertThat(Exponential.exp(0f)).isEqualTo(1f);
        assertThat(Exponential.exp(-0f)).isEqualTo(1f);
        assertThat(Exponential.exp(Float.NEGATIVE_INFINITY)).isZero();
        assertThat(Exponential.exp(-1000f)).isZero();
        assertThat(Exponential.exp(Float.NaN)).isNaN();
    }
}
