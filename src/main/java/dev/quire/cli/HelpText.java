package dev.quire.cli;

import java.util.ArrayList;
import java.util.List;

/** A command's help: usage line, summary, options in two columns, commands. */
final class HelpText {
    private static final int WIDTH = 110;
    /** Where descriptions start at most; a longer option has its description on the next line. */
    private static final int MAX_COLUMN = 46;

    private final StringBuilder text = new StringBuilder();
    private final int column;

    private HelpText(int column) {
        this.column = column;
    }

    static String of(Command command) {
        int longest = 0;
        for (Command.Section section : command.sections()) {
            for (Option option : section.options()) {
                longest = Math.max(longest, spelling(option).length());
            }
        }
        HelpText help = new HelpText(Math.min(longest + 4, MAX_COLUMN));
        help.head(command);
        for (Command.Section section : command.sections()) {
            if (!section.heading().isEmpty()) {
                help.text.append('\n').append(section.heading()).append(":\n");
            }
            section.options().forEach(option -> help.row(spelling(option), option.help()));
        }
        help.tail(command);
        return help.text.toString();
    }

    private void head(Command command) {
        text.append("Usage: ").append(command.name()).append(" [OPTIONS]");
        if (!command.commands().isEmpty()) {
            text.append(" COMMAND");
        }
        if (command.positional() != null) {
            text.append(" [").append(command.positional()).append(']');
        }
        text.append('\n').append(command.summary()).append("\n\n");
    }

    private void tail(Command command) {
        if (!command.commands().isEmpty()) {
            text.append("\nCommands:\n");
            command.commands().forEach(below -> row("  " + below.word(), below.summary()));
        }
        if (!command.footer().isEmpty()) {
            text.append('\n').append(String.join("\n", command.footer())).append('\n');
        }
    }

    private void row(String left, String right) {
        text.append(left);
        int at = left.length();
        if (at + 2 > column) {
            text.append('\n');
            at = 0;
        }
        boolean first = true;
        for (String line : wrapped(right, WIDTH - column)) {
            text.append(" ".repeat(first ? column - at : column)).append(line).append('\n');
            first = false;
        }
    }

    private static List<String> wrapped(String sentence, int width) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (String word : sentence.split(" ")) {
            if (line.length() > 0 && line.length() + 1 + word.length() > width) {
                lines.add(line.toString());
                line.setLength(0);
            }
            line.append(line.length() == 0 ? "" : " ").append(word);
        }
        lines.add(line.toString());
        return lines;
    }

    private static String spelling(Option option) {
        String names = String.join(", ", option.names());
        String shifted = names.startsWith("--") ? "      " + names : "  " + names;
        return switch (option.kind()) {
            case FLAG -> shifted;
            case SWITCH -> "      --[no-]" + option.name();
            case ONE -> shifted + " " + option.label();
            case LIST -> shifted + " " + option.label() + "...";
        };
    }
}
