package dev.quire.cli;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One command of the command line.
 *
 * @param name all of its words, such as {@code quire bench serve}
 * @param summary one sentence
 * @param positional what stands for the bare argument in the help, null when it takes none
 * @param sections its options under their headings; a section with an empty heading comes first
 * @param hidden options that work and are not in the help
 * @param commands commands below it; it then only chooses among them
 * @param footer lines at the end of the help
 */
record Command(
        String name,
        String summary,
        @Nullable String positional,
        List<Section> sections,
        List<Option> hidden,
        List<Command> commands,
        List<String> footer) {
    /** A heading of the help with its options. */
    record Section(String heading, List<Option> options) {}

    /** The last word of the name. */
    String word() {
        return name.substring(name.lastIndexOf(' ') + 1);
    }

    List<Option> options() {
        List<Option> options = new ArrayList<>(hidden);
        sections.forEach(section -> options.addAll(section.options));
        return options;
    }
}
