package dev.quire.cli;

import dev.quire.bench.Progress;
import dev.quire.boot.RandomCheckpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/** {@code quire bench write-checkpoint}. */
final class WriteCheckpointCommand {
    static final long MAX_SHARD_BYTES = 5_000_000_000L;
    private static final int MEGABYTE = 1_000_000;

    private final Arguments arguments;
    private final Console console;

    WriteCheckpointCommand(Arguments arguments, Console console) {
        this.arguments = arguments;
        this.console = console;
    }

    int run() throws IOException {
        Path output = directory("output");
        long maxShardBytes =
                Long.parseLong(arguments.text("max-shard-size", ValueCheck.number(1), String.valueOf(MAX_SHARD_BYTES)));
        RandomCheckpoint checkpoint =
                new RandomCheckpoint(directory("model"), output, arguments.count("seed", 0, 0), maxShardBytes);
        Progress progress = new Progress(console.err(), console.errorTerminal());
        RandomCheckpoint.Written written = checkpoint.write(
                (bytes, total) -> progress.show("writing MB", (int) (bytes / MEGABYTE), (int) (total / MEGABYTE)));
        console.out()
                .println(String.format(
                        Locale.ROOT,
                        "%d tensors, %.2f GB, %d %s in %s",
                        written.numTensors(),
                        written.sizeBytes() / 1e9,
                        written.numFiles(),
                        written.numFiles() == 1 ? "file" : "files",
                        output));
        return QuireMain.OK;
    }

    private Path directory(String option) {
        String typed = arguments.text(option, ValueCheck.text());
        if (typed == null) {
            throw new UsageException("--" + option + " DIR is missing");
        }
        return Path.of(typed);
    }
}
