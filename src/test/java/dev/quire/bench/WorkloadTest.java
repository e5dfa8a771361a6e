package dev.quire.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkloadTest {
    @TempDir
    Path dir;

    @Test
    void sameSeedSamePrompts() {
        List<Job> jobs = new Workload(5, 50, 1).uniform(3, 7, 2);
        assertThat(jobs).hasSize(3).isEqualTo(new Workload(5, 50, 1).uniform(3, 7, 2));
        assertThat(jobs).isNotEqualTo(new Workload(5, 50, 2).uniform(3, 7, 2));
        for (Job job : jobs) {
            assertThat(job.prompt().length()).isEqualTo(7);
            assertThat(Arrays.stream(job.prompt().toArray())).allMatch(id -> id >= 5 && id < 50);
            assertThat(job.outputLen()).isEqualTo(2);
        }
    }

    @Test
    void aTraceGivesLengthsInItsOrder() throws IOException {
        Path file = Files.writeString(
                dir.resolve("t.jsonl"),
                "{\"id\": 0, \"prompt_len\": 3, \"output_len\": 4}\n\n{\"prompt_len\": 5, \"output_len\": 6}\n");
        List<Job> jobs = new Workload(0, 10, 1).trace(file, 10);
        assertThat(jobs).extracting(job -> job.prompt().length()).containsExactly(3, 5);
        assertThat(jobs).extracting(Job::outputLen).containsExactly(4, 6);
        assertThat(new Workload(0, 10, 1).trace(file, 1)).hasSize(1);
    }

    @Test
    void aBrokenTraceNamesItsLine() throws IOException {
        Path zero = Files.writeString(dir.resolve("z.jsonl"), "{\"prompt_len\": 0, \"output_len\": 4}\n");
        assertThatThrownBy(() -> new Workload(0, 10, 1).trace(zero, 10)).hasMessageContaining("z.jsonl:1: prompt_len");
        Path text = Files.writeString(dir.resolve("x.jsonl"), "{\"prompt_len\": 1, \"output_len\": 4}\nhello\n");
        assertThatThrownBy(() -> new Workload(0, 10, 1).trace(text, 10)).hasMessageContaining("x.jsonl:2: not JSON");
        Path empty = Files.writeString(dir.resolve("e.jsonl"), "\n");
        assertThatThrownBy(() -> new Workload(0, 10, 1).trace(empty, 10)).hasMessageContaining("no requests");
    }

    @Test
    void theSharedTraceIsRead() throws IOException {
        Path file = Path.of("../shared/gpu/bench-trace-512.jsonl");
        Assumptions.assumeTrue(Files.exists(file), "no shared trace");
        List<Job> jobs = new Workload(16, 500, 0).trace(file, Integer.MAX_VALUE);
        assertThat(jobs).hasSize(512);
        assertThat(jobs.get(0).prompt().length()).isEqualTo(385);
        assertThat(jobs.get(0).outputLen()).isEqualTo(128);
    }
}
