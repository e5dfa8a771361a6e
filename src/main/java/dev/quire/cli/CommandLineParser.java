package dev.quire.cli;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads typed words by a {@link Command}'s grammar. */
final class CommandLineParser {
    private final String[] words;
    private int next;
    private Command command;
    private final Map<String, List<String>> values = new HashMap<>();
    private @Nullable String positional;

    private CommandLineParser(Command root, String... words) {
        this.command = root;
        this.words = words;
    }

    /** @throws UsageException naming the first word that is wrong */
    static Arguments parse(Command root, String... words) {
        return new CommandLineParser(root, words).parse();
    }

    private Arguments parse() {
        boolean optionsEnded = false;
        while (next < words.length) {
            String word = words[next++];
            if (!optionsEnded && word.equals("--")) {
                optionsEnded = true;
            } else if (!optionsEnded && isOption(word)) {
                option(word);
            } else if (!command.commands().isEmpty()) {
                command = subcommand(word);
            } else if (command.positional() != null && positional == null) {
                positional = word;
            } else {
                throw wrong("unexpected argument " + word);
            }
        }
        return new Arguments(command, values, positional);
    }

    private Command subcommand(String word) {
        List<String> known = new ArrayList<>();
        for (Command candidate : command.commands()) {
            if (candidate.word().equals(word)) {
                return candidate;
            }
            known.add(candidate.word());
        }
        throw wrong("unknown command " + word + suggestion(word, known));
    }

    private void option(String word) {
        int equals = word.indexOf('=');
        String typed = equals < 0 ? word : word.substring(0, equals);
        String value = equals < 0 ? null : word.substring(equals + 1);
        // vLLM's own command line takes underscores too.
        String name = typed.startsWith("--") ? typed.replace('_', '-') : typed;
        for (Option option : command.options()) {
            if (option.names().contains(name)) {
                take(option, typed, value);
                return;
            }
            if (option.kind() == Option.Kind.SWITCH && name.equals("--no-" + option.name()) && value == null) {
                values.put(option.name(), List.of("false"));
                return;
            }
        }
        throw wrong("unknown option " + typed + suggestion(name, knownNames()));
    }

    private void take(Option option, String typed, @Nullable String attached) {
        switch (option.kind()) {
            case FLAG -> {
                if (attached != null) {
                    throw wrong(typed + " takes no value");
                }
                values.put(option.name(), List.of("true"));
            }
            case SWITCH -> values.put(option.name(), List.of(attached == null ? "true" : attached));
            case ONE -> values.put(option.name(), List.of(attached == null ? nextValue(typed) : attached));
            case LIST -> {
                List<String> list = new ArrayList<>();
                list.add(attached == null ? nextValue(typed) : attached);
                while (attached == null && next < words.length && !isOption(words[next])) {
                    list.add(words[next++]);
                }
                values.put(option.name(), list);
            }
        }
    }

    private String nextValue(String typed) {
        if (next == words.length || isOption(words[next])) {
            throw wrong(typed + " needs a value");
        }
        return words[next++];
    }

    /** Something with dashes that is not a negative number; a dash alone is a value. */
    private static boolean isOption(String word) {
        return word.length() > 1 && word.charAt(0) == '-' && !Character.isDigit(word.charAt(1));
    }

    private List<String> knownNames() {
        List<String> names = new ArrayList<>();
        for (Option option : command.options()) {
            names.addAll(option.names());
            if (option.kind() == Option.Kind.SWITCH) {
                names.add("--no-" + option.name());
            }
        }
        return names;
    }

    private static String suggestion(String typed, List<String> known) {
        return NearestName.of(typed, known)
                .map(near -> " (did you mean " + near + "?)")
                .orElse("");
    }

    private UsageException wrong(String message) {
        return new UsageException(command.name(), message + "; see " + command.name() + " --help");
    }
}
