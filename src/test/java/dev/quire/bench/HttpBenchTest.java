package dev.quire.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.client.FakeServer;
import dev.quire.client.ServerClient;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HttpBenchTest {
    private static final String TEXT = "data: {\"choices\":[{\"text\":\"x\"}]}\n\n";
    private static final String USAGE = "data: {\"choices\":[],\"usage\":{\"completion_tokens\":5}}\n\n";
    private static final String DONE = "data: [DONE]\n\n";

    @TempDir
    Path dir;

    private static HttpBench.Result run(FakeServer server, int numJobs, double rate) throws InterruptedException {
        List<Job> jobs = new Workload(16, 17, 0).uniform(numJobs, 2, 5);
        ServerClient client = new ServerClient(server.url(), null);
        return new HttpBench(client, "m", new Progress(System.err, false)).run(jobs, 4, rate, 0);
    }

    @Test
    void countsWhatTheServerCounts() throws Exception {
        try (FakeServer server = new FakeServer().answer("/v1/completions", 200, TEXT, TEXT, USAGE, DONE)) {
            Report report = run(server, 6, Double.POSITIVE_INFINITY).report();
            assertThat(report.value("completed")).isEqualTo(6);
            assertThat(report.value("failed")).isEqualTo(0);
            assertThat(report.value("total_input_tokens")).isEqualTo(12L);
            assertThat(report.value("total_output_tokens")).isEqualTo(30L);
            assertThat((double) report.value("output_throughput")).isPositive();
            assertThat(server.bodies().get(0))
                    .isEqualTo("{\"model\":\"m\",\"prompt\":[16,16],\"max_tokens\":5,\"temperature\":0,"
                            + "\"ignore_eos\":true,\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
        }
    }

    @Test
    void failuresAreCountedAndExplained() throws Exception {
        try (FakeServer server =
                new FakeServer().answer("/v1/completions", 429, "{\"error\":{\"message\":\"full\"}}")) {
            HttpBench.Result result = run(server, 3, Double.POSITIVE_INFINITY);
            assertThat(result.numFailed()).isEqualTo(3);
            assertThat(result.firstFailure()).endsWith("full");
            assertThat(result.report().value("mean_ttft_ms")).isEqualTo(0.0);
        }
    }

    @Test
    void aRateSpreadsTheRequests() throws Exception {
        try (FakeServer server = new FakeServer().answer("/v1/completions", 200, TEXT, DONE)) {
            // Nine exponential gaps of mean 10 ms; with this seed they sum to well above a fifth of that.
            assertThat(run(server, 10, 100).wallNanos()).isGreaterThan(20_000_000L);
        }
    }

    @Test
    void aReportIsATableAndJson() throws Exception {
        Report report = new Report("Title").add("a_b", "A label", 1.234).add("n", "Longer label", 5);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        report.print(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        assertThat(bytes.toString(StandardCharsets.UTF_8))
                .isEqualTo("Title\n  A label       1.23\n  Longer label  5\n");
        Path file = dir.resolve("r.json");
        report.write(file);
        JsonNode json = new ObjectMapper().readTree(file.toFile());
        assertThat(json.path("a_b").asDouble()).isEqualTo(1.234);
        assertThat(json.path("n").asInt()).isEqualTo(5);
    }
}
