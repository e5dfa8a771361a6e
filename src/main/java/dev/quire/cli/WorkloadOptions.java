package dev.quire.cli;

import dev.quire.bench.EngineReports;
import dev.quire.bench.Job;
import dev.quire.bench.Report;
import dev.quire.bench.Workload;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The options that all benchmarks share: what to send, how much at once, where the figures go. */
final class WorkloadOptions {
    private static final int NUM_PROMPTS = 64;
    private static final int INPUT_LEN = 512;
    private static final int OUTPUT_LEN = 128;

    private final Arguments arguments;
    private final Workload workload;
    private final List<Job> jobs;

    /** Prompts are drawn from ids in [firstId, vocabSize). */
    WorkloadOptions(Arguments arguments, int firstId, int vocabSize) throws IOException {
        this.arguments = arguments;
        this.workload = new Workload(firstId, vocabSize, seed());
        String trace = arguments.text("trace", ValueCheck.text());
        jobs = trace == null
                ? workload.uniform(arguments.count("num-prompts", 1, NUM_PROMPTS), inputLen(), outputLen())
                : workload.trace(Path.of(trace), arguments.count("num-prompts", 1, Integer.MAX_VALUE));
    }

    List<Job> jobs() {
        return jobs;
    }

    EngineReports.Plan plan() {
        return new EngineReports.Plan(workload, jobs, inputLen(), outputLen(), maxConcurrency());
    }

    private int inputLen() {
        return arguments.count("input-len", 1, INPUT_LEN);
    }

    private int outputLen() {
        return arguments.count("output-len", 1, OUTPUT_LEN);
    }

    int maxConcurrency() {
        return arguments.count("max-concurrency", 1, Integer.MAX_VALUE);
    }

    long seed() {
        return Long.parseLong(arguments.text("seed", ValueCheck.integer(Long.MIN_VALUE, Long.MAX_VALUE), "0"));
    }

    void publish(Report report, Console console) throws IOException {
        report.print(console.out());
        @Nullable String file = arguments.text("json", ValueCheck.text());
        if (file != null) {
            report.write(Path.of(file));
        }
    }
}
