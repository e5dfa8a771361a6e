package dev.quire.cli;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A parsed command line: which command, and its options as text. */
final class Arguments {
    private final Command command;
    private final Map<String, List<String>> values;
    private final @Nullable String positional;

    /** @param values by option name, without dashes */
    Arguments(Command command, Map<String, List<String>> values, @Nullable String positional) {
        this.command = command;
        this.values = values;
        this.positional = positional;
    }

    Command command() {
        return command;
    }

    boolean has(String name) {
        return values.containsKey(name);
    }

    /** The option's text, checked, or null when it was not given. */
    @Nullable
    String text(String name, ValueCheck check) {
        List<String> typed = values.get(name);
        if (typed == null) {
            return null;
        }
        try {
            return check.checked(typed.get(0));
        } catch (IllegalArgumentException e) {
            throw new UsageException("--" + name + " " + e.getMessage());
        }
    }

    String text(String name, ValueCheck check, String otherwise) {
        String typed = text(name, check);
        return typed == null ? otherwise : typed;
    }

    int count(String name, int min, int otherwise) {
        String typed = text(name, ValueCheck.integer(min, Integer.MAX_VALUE));
        return typed == null ? otherwise : Integer.parseInt(typed);
    }

    /** The bare argument, or null. */
    @Nullable
    String positional() {
        return positional;
    }

    /** Given options of quire serve by name, unchecked, lists joined. */
    Map<String, String> serveFlags() {
        Map<String, String> flags = new HashMap<>();
        for (ServeOption option : ServeOptions.all()) {
            List<String> typed = values.get(option.name());
            if (typed != null) {
                flags.put(
                        option.name(),
                        option.flag().kind() == Option.Kind.LIST ? ServeSettings.join(typed) : typed.get(0));
            }
        }
        return flags;
    }
}
