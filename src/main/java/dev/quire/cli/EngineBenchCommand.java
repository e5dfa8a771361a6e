package dev.quire.cli;

import dev.quire.bench.EngineReports;
import dev.quire.bench.Progress;
import dev.quire.boot.EngineOptions;
import dev.quire.boot.QuireEngine;
import java.io.IOException;
import java.util.Map;

/** {@code quire bench throughput} and {@code latency}: the engine in this process, no HTTP. */
final class EngineBenchCommand {
    private static final int FIRST_ID = 16;

    private final Arguments arguments;
    private final Console console;

    EngineBenchCommand(Arguments arguments, Console console) {
        this.arguments = arguments;
        this.console = console;
    }

    int throughput() throws IOException, InterruptedException {
        try (QuireEngine engine = open()) {
            if (arguments.has("roofline") && engine.backendDescription().startsWith("cuda")) {
                throw new UsageException("--roofline reads the host's memory: it says nothing about a GPU's");
            }
            WorkloadOptions workload = workload(engine);
            workload.publish(reports(engine).throughput(workload.plan(), arguments.has("roofline")), console);
            return QuireMain.OK;
        }
    }

    int latency() throws IOException, InterruptedException {
        try (QuireEngine engine = open()) {
            WorkloadOptions workload = workload(engine);
            workload.publish(
                    reports(engine)
                            .latency(
                                    workload.plan(),
                                    arguments.count("batch-size", 1, 1),
                                    arguments.count("num-iters-warmup", 0, 2),
                                    arguments.count("num-iters", 1, 5)),
                    console);
            return QuireMain.OK;
        }
    }

    private WorkloadOptions workload(QuireEngine engine) throws IOException {
        WorkloadOptions workload = new WorkloadOptions(arguments, FIRST_ID, engine.vocabSize());
        int longest = workload.plan().longest();
        if (longest > engine.maxModelLen()) {
            throw new UsageException("the longest request has " + longest + " tokens, the model's context "
                    + engine.maxModelLen() + "; lower --input-len or --output-len");
        }
        return workload;
    }

    private QuireEngine open() {
        Map<String, String> keys = new ServeSettings(console.environment()).resolve(arguments.serveFlags(), null);
        EngineOptions options = EngineOptions.ofKeys(keys);
        return QuireEngine.open(options, line -> console.err().println(line));
    }

    private EngineReports reports(QuireEngine engine) {
        return new EngineReports(
                new EngineReports.Subject(
                        engine.client(),
                        engine.name(),
                        engine.backendDescription(),
                        engine.numThreads(),
                        engine.weightBytesPerStep()),
                new Progress(console.err(), console.errorTerminal()));
    }
}
