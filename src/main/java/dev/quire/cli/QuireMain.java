package dev.quire.cli;

import dev.quire.boot.QuireVersion;
import dev.quire.boot.StartupException;
import dev.quire.client.ServerException;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.io.IOException;

/** The program: finds the command and runs it. Only {@code serve} starts Quarkus. */
@QuarkusMain
public final class QuireMain {
    static final int OK = 0;
    static final int FAILED = 1;
    static final int USAGE = 2;

    private QuireMain() {}

    public static void main(String... args) {
        int code = run(Console.ofProcess(), args);
        if (code != OK) {
            System.exit(code);
        }
    }

    /** The exit code; every failure is one line on {@code err}. */
    static int run(Console console, String... args) {
        String name = "quire";
        try {
            Arguments arguments = CommandLineParser.parse(Commands.quire(), args);
            name = arguments.command().name();
            if (arguments.has("help")) {
                console.out().print(HelpText.of(arguments.command()));
                return OK;
            }
            if (arguments.has("version")) {
                console.out().println("quire " + QuireVersion.VERSION);
                return OK;
            }
            return run(arguments, console);
        } catch (UsageException e) {
            console.err().println((e.command() == null ? name : e.command()) + ": " + e.getMessage());
            return USAGE;
        } catch (ServerException | StartupException e) {
            console.err().println(name + ": " + e.getMessage());
            return FAILED;
        } catch (IOException | IllegalStateException | IllegalArgumentException e) {
            console.err().println(name + ": " + (e.getMessage() == null ? e : e.getMessage()));
            return FAILED;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return FAILED;
        }
    }

    private static int run(Arguments arguments, Console console) throws IOException, InterruptedException {
        return switch (arguments.command().name()) {
            case "quire serve" -> new ServeCommand(arguments, console).run();
            case "quire chat" -> new TalkCommands(arguments, console).chat();
            case "quire complete" -> new TalkCommands(arguments, console).complete();
            case "quire bench throughput" -> new EngineBenchCommand(arguments, console).throughput();
            case "quire bench latency" -> new EngineBenchCommand(arguments, console).latency();
            case "quire bench serve" -> new ServeBenchCommand(arguments, console).run();
            case "quire bench write-checkpoint" -> new WriteCheckpointCommand(arguments, console).run();
            default -> {
                console.err().print(HelpText.of(arguments.command()));
                yield USAGE;
            }
        };
    }
}
