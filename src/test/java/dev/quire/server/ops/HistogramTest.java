package dev.quire.server.ops;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HistogramTest {
    @Test
    void boundsAreInclusiveAndCountsCumulate() {
        Histogram histogram = new Histogram("vllm:x_seconds", "Help.", 1e-9, .01, .025, 1);
        for (long nanos : new long[] {1, 10_000_000, 10_000_001, 25_000_000, 2_000_000_000L}) {
            histogram.record(nanos);
        }
        PrometheusText out = new PrometheusText("engine=\"0\"");
        histogram.write(out);
        assertThat(out.toString())
                .startsWith("# HELP vllm:x_seconds Help.\n# TYPE vllm:x_seconds histogram\n"
                        + "vllm:x_seconds_bucket{engine=\"0\",le=\"0.01\"} 2.0\n"
                        + "vllm:x_seconds_bucket{engine=\"0\",le=\"0.025\"} 4.0\n"
                        + "vllm:x_seconds_bucket{engine=\"0\",le=\"1.0\"} 4.0\n"
                        + "vllm:x_seconds_bucket{engine=\"0\",le=\"+Inf\"} 5.0\n"
                        + "vllm:x_seconds_count{engine=\"0\"} 5.0\n"
                        + "vllm:x_seconds_sum{engine=\"0\"} 2.045000002");
    }

    @Test
    void lengthBucketsReachTheModelsLength() {
        assertThat(ServingMetrics.lengthBuckets(2000)).containsExactly(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000);
        assertThat(ServingMetrics.lengthBuckets(512)).endsWith(200, 500);
    }

    @Test
    void labelValuesAreEscaped() {
        assertThat(PrometheusText.escape("a\"b\\c\nd")).isEqualTo("a\\\"b\\\\c\\nd");
    }
}
