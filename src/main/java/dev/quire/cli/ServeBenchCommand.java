package dev.quire.cli;

import dev.quire.bench.HttpBench;
import dev.quire.bench.Progress;
import dev.quire.client.ServerClient;
import java.io.IOException;

/** {@code quire bench serve}. */
final class ServeBenchCommand {
    /** Every vocabulary has these ids, and special tokens are rarely among them. */
    private static final int FIRST_ID = 16;

    private static final int END_ID = 500;

    private final Arguments arguments;
    private final Console console;

    ServeBenchCommand(Arguments arguments, Console console) {
        this.arguments = arguments;
        this.console = console;
    }

    int run() throws IOException, InterruptedException {
        ServerClient server =
                new ServerClient(TalkCommands.url(arguments, "url"), TalkCommands.apiKey(arguments, console));
        WorkloadOptions workload = new WorkloadOptions(arguments, FIRST_ID, END_ID);
        double rate = rate();
        String model = arguments.text("model", ValueCheck.text());
        HttpBench bench = new HttpBench(
                server,
                model == null ? server.firstModel() : model,
                new Progress(console.err(), console.errorTerminal()));
        HttpBench.Result result = bench.run(workload.jobs(), workload.maxConcurrency(), rate, workload.seed());
        workload.publish(result.report(), console);
        if (result.firstFailure() != null) {
            console.err()
                    .println("quire bench serve: " + result.numFailed() + " requests failed, the first: "
                            + result.firstFailure());
            return QuireMain.FAILED;
        }
        return QuireMain.OK;
    }

    private double rate() {
        String text = arguments.text("request-rate", ValueCheck.text(), "inf");
        return text.equals("inf")
                ? Double.POSITIVE_INFINITY
                : Double.parseDouble(arguments.text("request-rate", ValueCheck.decimal(1e-6, 1e6), text));
    }
}
