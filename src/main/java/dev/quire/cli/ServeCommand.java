package dev.quire.cli;

import dev.quire.boot.ServerProcess;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** {@code quire serve}: turns what was typed into configuration keys, then starts the server. */
final class ServeCommand {
    private final Arguments arguments;
    private final Console console;

    ServeCommand(Arguments arguments, Console console) {
        this.arguments = arguments;
        this.console = console;
    }

    /** Returns when the server has stopped. */
    int run() {
        boolean verbose = arguments.has("verbose");
        Map<String, String> keys = new HashMap<>(settings());
        if (verbose) {
            keys.put("quarkus.log.category.\"dev.quire\".level", "DEBUG");
        }
        return new ServerProcess(keys, verbose, line -> console.err().println("quire serve: " + line)).run();
    }

    /** Configuration keys and values of this command line. */
    Map<String, String> settings() {
        Map<String, String> flags = new HashMap<>(arguments.serveFlags());
        String model = arguments.positional();
        if (model != null && flags.put("model", model) != null) {
            throw new UsageException("the model is given twice: " + model + " and --model "
                    + arguments.serveFlags().get("model"));
        }
        String file = arguments.text("config", ValueCheck.text());
        return new ServeSettings(console.environment()).resolve(flags, file == null ? null : Path.of(file));
    }
}
