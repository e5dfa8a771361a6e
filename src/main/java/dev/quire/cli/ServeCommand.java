package dev.quire.cli;

import dev.quire.boot.EngineOptions;
import dev.quire.boot.ServerProcess;
import dev.quire.server.config.QuireConfig;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** {@code quire serve}: turns what was typed into configuration keys, then starts the server. */
final class ServeCommand {
    /** Flags outrank every other source, as system properties do in SmallRye Config. */
    private static final int ORDINAL = 400;

    private final Arguments arguments;
    private final Console console;

    ServeCommand(Arguments arguments, Console console) {
        this.arguments = arguments;
        this.console = console;
    }

    /** Returns when the server has stopped. */
    int run() {
        boolean verbose = arguments.has("--verbose");
        settings().forEach(System::setProperty);
        if (verbose) {
            System.setProperty("quarkus.log.category.\"dev.quire\".level", "DEBUG");
        }
        return ServerProcess.run(verbose, line -> console.err().println("quire serve: " + line));
    }

    /** Configuration keys and values of this command line. */
    Map<String, String> settings() {
        Map<String, String> flags = new HashMap<>(arguments.serveFlags());
        String model = arguments.positional();
        if (model != null && flags.put("model", model) != null) {
            throw new UsageException("the model is given twice: " + model + " and --model "
                    + arguments.serveFlags().get("model"));
        }
        String file = arguments.text("--config", ValueCheck.text());
        return new ServeSettings(console.environment()).resolve(flags, file == null ? null : Path.of(file));
    }

    /** The engine's part of such keys, read without starting Quarkus. */
    static EngineOptions engineOptions(Map<String, String> keys) {
        return EngineOptions.of(new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withSources(new PropertiesConfigSource(keys, "command line", ORDINAL))
                .withMapping(QuireConfig.class)
                .build()
                .getConfigMapping(QuireConfig.class));
    }
}
