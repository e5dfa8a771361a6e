package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LogitOpsTest {
    private static final int FROM = 3;
    private final LogitOps plain = new PlainLogitOps();
    private final LogitOps vector = new VectorLogitOps();

    private static float[] row(int n, long seed) {
        Random random = new Random(seed);
        float[] x = new float[FROM + n + 5];
        Arrays.fill(x, Float.NaN);
        for (int i = 0; i < n; i++) {
            x[FROM + i] = random.nextInt(20) == 0 ? Float.NEGATIVE_INFINITY : 8 * (float) random.nextGaussian() - 4;
        }
        return x;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 7, 8, 15, 16, 17, 33, 207, 511, 512, 513, 1029, 8192})
    void vectorAndPlainGiveTheSameBits(int n) {
        for (int round = 0; round < 20; round++) {
            float[] x = row(n, round);
            float max = plain.max(x, FROM, n);
            assertThat(vector.max(x, FROM, n)).isEqualTo(max);
            assertThat(vector.indexOf(x, FROM, n, max)).isEqualTo(plain.indexOf(x, FROM, n, max));
            assertThat(vector.indexOf(x, FROM, n, 1234f)).isEqualTo(n);
            float middle = x[FROM + n / 2];
            assertThat(vector.countGreater(x, FROM, n, middle)).isEqualTo(plain.countGreater(x, FROM, n, middle));
            if (max == Float.NEGATIVE_INFINITY) {
                continue;
            }
            assertThat(vector.sumExp(x, FROM, n, max)).isCloseTo(plain.sumExp(x, FROM, n, max), within(1e-9));
            sameWeights(x, n, max, round);
        }
    }

    private void sameWeights(float[] x, int n, float max, int round) {
        float inverse = new float[] {1f, 1.43f, 100f, 0.5f}[round % 4];
        float[] expected = new float[n];
        float[] actual = new float[n];
        double[] expectedSums = new double[LogitOps.numChunks(n)];
        double[] actualSums = new double[LogitOps.numChunks(n)];
        double total = plain.weights(x, FROM, n, max, inverse, expected, expectedSums);
        assertThat(vector.weights(x, FROM, n, max, inverse, actual, actualSums)).isEqualTo(total);
        assertThat(actual).containsExactly(expected);
        assertThat(actualSums).containsExactly(expectedSums);
        for (int i = 0; i < n; i++) {
            double units = expected[i] / LogitOps.WEIGHT_UNIT;
            assertThat(units).isEqualTo(Math.rint(units));
            double exact = Math.exp((double) (x[FROM + i] - max) * inverse);
            assertThat((double) expected[i]).isCloseTo(exact, within(exact * 1e-6 + LogitOps.WEIGHT_UNIT / 2));
        }
        int[] expectedIds = new int[n];
        int[] actualIds = new int[n];
        for (float threshold : new float[] {Float.MIN_VALUE, 1e-6f, 0.1f, 1f}) {
            int count = plain.select(expected, n, threshold, 0.9f, expectedIds);
            assertThat(vector.select(actual, n, threshold, 0.9f, actualIds)).isEqualTo(count);
            assertThat(Arrays.copyOf(actualIds, count)).containsExactly(Arrays.copyOf(expectedIds, count));
            assertThat(vector.countAtLeast(actual, n, threshold)).isEqualTo(plain.countAtLeast(expected, n, threshold));
            assertThat(vector.sumAtLeast(actual, n, threshold)).isEqualTo(plain.sumAtLeast(expected, n, threshold));
        }
        float logit = x[FROM + n / 3];
        total = plain.mask(x, FROM, n, logit, expected, expectedSums);
        assertThat(vector.mask(x, FROM, n, logit, actual, actualSums)).isEqualTo(total);
        assertThat(actual).containsExactly(expected);
        assertThat(actualSums).containsExactly(expectedSums);
    }

    @Test
    void infinitiesAreOrderedAndNanIsFound() {
        float[] x = row(100, 1);
        x[FROM + 40] = Float.POSITIVE_INFINITY;
        assertThat(vector.max(x, FROM, 100)).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(vector.countGreater(x, FROM, 100, Float.POSITIVE_INFINITY)).isZero();
        x[FROM + 99] = Float.intBitsToFloat(0xffc00000);
        assertThat(vector.max(x, FROM, 100)).isNaN();
        assertThat(plain.max(x, FROM, 100)).isNaN();
        x[FROM + 99] = 0f;
        x[FROM + 3] = Float.intBitsToFloat(0x7f800001);
        assertThat(vector.max(x, FROM, 100)).isNaN();
    }

    @Test
    void vectorExpIsTheScalarExp() {
        float[] x = new float[Lanes.COUNT];
        for (float start = -90f; start <= 0; start += 0.0137f) {
            for (int i = 0; i < x.length; i++) {
                x[i] = i == 0 ? Float.NEGATIVE_INFINITY : Math.min(0, start + i * 1e-3f);
            }
            float[] actual =
                    VectorMath.exp(FloatVector.fromArray(Species.F, x, 0)).toArray();
            for (int i = 0; i < x.length; i++) {
                assertThat(actual[i]).isEqualTo(Exponential.exp(x[i]));
            }
        }
    }

    @Test
    void vectorTanhIsClose() {
        float[] x = new float[Lanes.COUNT];
        for (float start = -12f; start <= 12; start += 0.0137f) {
            for (int i = 0; i < x.length; i++) {
                x[i] = start * i / 4;
            }
            float[] actual =
                    VectorMath.tanh(FloatVector.fromArray(Species.F, x, 0)).toArray();
            for (int i = 0; i < x.length; i++) {
                assertThat((double) actual[i]).isCloseTo(Math.tanh(x[i]), within(1.5e-7));
            }
        }
    }
}
