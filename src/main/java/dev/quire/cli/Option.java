package dev.quire.cli;

import java.util.List;

/**
 * One option of a command.
 *
 * @param names as typed, such as {@code -q} and {@code --quick}; the first one with two dashes is its name in the code
 * @param kind how many values follow
 * @param label what stands for the value in the help
 * @param help one sentence and the default
 */
record Option(List<String> names, Kind kind, String label, String help) {
    /** How many values follow. */
    enum Kind {
        /** One: {@code --name value} or {@code --name=value}. */
        ONE,
        /** One or more, separated by blanks on the command line, by commas elsewhere. */
        LIST,
        /** None: {@code --name} or {@code --no-name}; also {@code --name=true} and {@code --name=false}. */
        SWITCH,
        /** None. */
        FLAG
    }

    static Option one(String label, String help, String... names) {
        return new Option(List.of(names), Kind.ONE, label, help);
    }

    static Option flag(String help, String... names) {
        return new Option(List.of(names), Kind.FLAG, "", help);
    }

    /** Without dashes. */
    String name() {
        for (String name : names) {
            if (name.startsWith("--")) {
                return name.substring(2);
            }
        }
        throw new IllegalStateException("no long name among " + names);
    }
}
