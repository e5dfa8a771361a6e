package dev.quire.cli;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.Map;

/**
 * What a command sees of its surroundings.
 *
 * @param inputTerminal somebody types
 * @param errorTerminal somebody watches {@code err}: a progress bar makes sense
 */
record Console(
        InputStream in,
        PrintStream out,
        PrintStream err,
        Map<String, String> environment,
        boolean inputTerminal,
        boolean errorTerminal) {
    /** Numbers of the standard streams that are terminals, such as {@code 012}; the launcher knows, Java 17 does not. */
    static final String TERMINALS_PROPERTY = "dev.quire.terminals";

    static Console ofProcess() {
        String terminals = System.getProperty(TERMINALS_PROPERTY, "");
        return new Console(
                System.in, System.out, System.err, System.getenv(), terminals.contains("0"), terminals.contains("2"));
    }
}
