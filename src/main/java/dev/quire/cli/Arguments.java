package dev.quire.cli;

import dev.quire.cli.ServeOption.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** A parsed command line: which command, and its options as text. */
final class Arguments {
    private final CommandLine command;
    private final ParseResult result;

    private Arguments(CommandLine command, ParseResult result) {
        this.command = command;
        this.result = result;
    }

    /** @throws UsageException naming the first argument that is wrong */
    static Arguments parse(CommandLine root, String... typed) {
        try {
            ParseResult result = root.parseArgs(withoutSwitchValues(typed));
            while (result.hasSubcommand()) {
                result = result.subcommand();
            }
            return new Arguments(result.commandSpec().commandLine(), result);
        } catch (ParameterException e) {
            throw new UsageException(name(e.getCommandLine()), message(e));
        }
    }

    /** Words of the command, such as {@code quire bench serve}. */
    String commandName() {
        return name(command);
    }

    boolean asksHelp() {
        return result.isUsageHelpRequested();
    }

    boolean asksVersion() {
        return result.isVersionHelpRequested();
    }

    String help() {
        return command.getUsageMessage();
    }

    boolean has(String name) {
        return result.hasMatchedOption(name);
    }

    /** The option's text, checked, or null when it was not given. */
    @Nullable
    String text(String name, ValueCheck check) {
        String typed = result.matchedOptionValue(name, null);
        if (typed == null) {
            return null;
        }
        try {
            return check.checked(typed);
        } catch (IllegalArgumentException e) {
            throw new UsageException(name + " " + e.getMessage());
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
        return result.matchedPositionalValue(0, (String) null);
    }

    /** Given options of quire serve by name, unchecked, lists joined. */
    Map<String, String> serveFlags() {
        Map<String, String> flags = new HashMap<>();
        for (ServeOption option : ServeOptions.all()) {
            if (result.hasMatchedOption(option.flag())) {
                Object value = result.matchedOptionValue(option.flag(), null);
                flags.put(option.name(), value instanceof List<?> list ? ServeSettings.join(list) : "" + value);
            }
        }
        return flags;
    }

    /** picocli takes {@code --no-x}, people also type {@code --x=false}. */
    private static String[] withoutSwitchValues(String... typed) {
        String[] result = typed.clone();
        for (int i = 0; i < result.length; i++) {
            int equals = result[i].indexOf('=');
            for (ServeOption option : ServeOptions.all()) {
                if (option.kind() == Kind.SWITCH
                        && equals > 0
                        && result[i].substring(0, equals).equals(option.flag())) {
                    result[i] = switchFlag(option, result[i].substring(equals + 1));
                }
            }
        }
        return result;
    }

    private static String switchFlag(ServeOption option, String value) {
        try {
            return option.check().checked(value).equals("true") ? option.flag() : "--no-" + option.name();
        } catch (IllegalArgumentException e) {
            throw new UsageException(option.flag() + " " + e.getMessage());
        }
    }

    private static String message(ParameterException e) {
        CommandLine command = e.getCommandLine();
        String help = "; see " + name(command) + " --help";
        if (e instanceof UnmatchedArgumentException unmatched) {
            return unknown(command, unmatched.getUnmatched()) + help;
        }
        if (e instanceof MissingParameterException missing
                && !missing.getMissing().isEmpty()) {
            return label(missing.getMissing().get(0)) + " needs a value" + help;
        }
        if (e instanceof OverwrittenOptionException && e.getArgSpec() != null) {
            return label(e.getArgSpec()) + " is given twice";
        }
        return e.getMessage().lines().findFirst().orElse("wrong arguments") + help;
    }

    private static String name(CommandLine command) {
        return command.getCommandSpec().qualifiedName(" ");
    }

    private static String unknown(CommandLine command, List<String> unmatched) {
        String typed = unmatched.stream()
                .filter(argument -> argument.startsWith("-"))
                .findFirst()
                .orElse(unmatched.get(0));
        List<String> known = new ArrayList<>();
        if (!typed.startsWith("-")) {
            known.addAll(command.getSubcommands().keySet());
            return (known.isEmpty() ? "unexpected argument " : "unknown command ") + typed + suggestion(typed, known);
        }
        String flag = typed.contains("=") ? typed.substring(0, typed.indexOf('=')) : typed;
        command.getCommandSpec().options().forEach(option -> {
            known.addAll(List.of(option.names()));
            if (option.negatable()) {
                known.add("--no-" + option.longestName().substring(2));
            }
        });
        return "unknown option " + flag + suggestion(flag, known);
    }

    private static String suggestion(String typed, List<String> known) {
        return NearestName.of(typed, known)
                .map(near -> " (did you mean " + near + "?)")
                .orElse("");
    }

    private static String label(ArgSpec spec) {
        return spec instanceof CommandLine.Model.OptionSpec option ? option.longestName() : spec.paramLabel();
    }
}
