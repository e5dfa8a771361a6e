package dev.quire.cli;

import java.util.List;

/**
 * One option of {@code quire serve}: a flag, a configuration key and an environment variable of the same name.
 *
 * @param name vLLM's spelling without dashes, such as {@code max-num-seqs}
 * @param key the configuration key, such as {@code quire.max-num-seqs}
 * @param environment variables that set it, the first that is present wins
 * @param kind how many values follow the flag
 * @param label what stands for the value in the help; empty for a switch
 * @param check what values are right
 * @param help one sentence and the default
 */
record ServeOption(
        String name, String key, List<String> environment, Kind kind, String label, ValueCheck check, String help) {
    /** How many values follow the flag. */
    enum Kind {
        ONE,
        /** Several, separated by blanks on the command line, by commas elsewhere. */
        LIST,
        /** None: {@code --name} or {@code --no-name}. */
        SWITCH
    }

    String flag() {
        return "--" + name;
    }
}
