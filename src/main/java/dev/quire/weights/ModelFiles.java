package dev.quire.weights;

import dev.quire.tensor.HostBytes;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The files of one model in the Hugging Face layout, in a directory or on the class path; read-only. */
public interface ModelFiles {
    /** Whether a file of this name exists. */
    boolean has(String name);

    /** The whole content; throws {@link CheckpointException} when it is missing or unreadable. */
    byte[] read(String name);

    /** The content mapped or in memory, for large files; throws {@link CheckpointException} as {@link #read}. */
    HostBytes bytes(String name);

    /** Names of the files at the top level, sorted; empty where they cannot be listed (class path). */
    List<String> list();

    /** Where the model is, for messages. */
    String location();

    /** The directory, or null for a model on the class path. */
    @Nullable
    Path directory();

    /** Where a file is, for messages. */
    default String describe(String name) {
        return location() + "/" + name;
    }

    /** The files of a directory. */
    static ModelFiles ofDirectory(Path directory) {
        return new DirectoryFiles(directory);
    }

    /** The resources under a root such as {@code models/quire-demo}. */
    static ModelFiles ofResources(ClassLoader loader, String root) {
        return new ResourceFiles(loader, root);
    }

    /** A file name that an index or a caller gave, unchanged, or {@link CheckpointException} when it leaves the model. */
    static String checkName(String location, String name) {
        if (name.isEmpty() || name.startsWith("/") || FORBIDDEN.matcher(name).find()) {
            throw new CheckpointException(location, "refused file name '" + name + "'");
        }
        return name;
    }

    /** Parent and empty segments, back slashes, drive letters, control characters. */
    Pattern FORBIDDEN = Pattern.compile("(^|/)\\.{0,2}(/|$)|[\\\\:\\p{Cntrl}]");
}
