package dev.quire.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class DistributionTest {
    private static final long MILLI = 1_000_000L;

    private static RequestTimes request(long submitted, long... arrivals) {
        RequestTimes times = new RequestTimes(submitted * MILLI, 1);
        for (long arrival : arrivals) {
            times.arrived(arrival * MILLI, 1);
        }
        return times;
    }

    /** numpy.percentile([4, 1, 3, 2], q). */
    @Test
    void percentilesInterpolateAsNumpyDoes() {
        Distribution d = Distribution.of(4, 1, 3, 2);
        assertThat(d.mean()).isEqualTo(2.5);
        assertThat(d.median()).isEqualTo(2.5);
        assertThat(d.percentile(99)).isCloseTo(3.97, within(1e-12));
        assertThat(d.percentile(0)).isEqualTo(1);
        assertThat(d.percentile(100)).isEqualTo(4);
    }

    @Test
    void anEmptySampleIsZero() {
        assertThat(Distribution.of().mean()).isZero();
        assertThat(Distribution.of().percentile(99)).isZero();
        assertThat(Distribution.of(7).percentile(99)).isEqualTo(7);
    }

    @Test
    void latenciesFollowTheirDefinitions() {
        List<RequestTimes> requests = List.of(request(0, 10, 14, 20), request(5, 25));
        assertThat(Distribution.ttft(requests).mean()).isEqualTo(15);
        assertThat(Distribution.itl(requests).mean()).isEqualTo(5);
        assertThat(Distribution.itl(requests).count()).isEqualTo(2);
        // One token has no time per further token.
        assertThat(Distribution.tpot(requests).mean()).isEqualTo(5);
        assertThat(Distribution.e2el(requests).mean()).isEqualTo(20);
    }

    @Test
    void tpotCountsTokensNotArrivals() {
        RequestTimes times = request(0, 10, 30);
        times.correctTokens(5);
        assertThat(times.tpotMillis()).isEqualTo(5);
    }

    @Test
    void decodeRateIsCountedWhileAllDecode() {
        // Together they decode from 20 (the last first token) to 40 (the first last token): 22..40 and 30, 40.
        EngineBench.Result result =
                new EngineBench.Result(List.of(request(0, 5, 22, 32, 40), request(0, 20, 30, 40, 90)), 100 * MILLI);
        assertThat(result.decodeTokensPerSecond()).isCloseTo(5 / 0.020, within(1e-9));
    }
}
