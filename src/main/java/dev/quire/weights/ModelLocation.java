package dev.quire.weights;

import dev.quire.weights.gguf.GgufFiles;
import dev.quire.weights.hub.DownloadProgress;
import dev.quire.weights.hub.HubDownload;
import dev.quire.weights.hub.HubSettings;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds the files of the model that a user names: a local directory or GGUF file, or a model of a hub, downloaded when
 * needed.
 */
public final class ModelLocation {
    /** {@code org/name:TYPE} and {@code org/name/file.gguf}. */
    private static final Pattern GGUF = Pattern.compile("([^/:]+/[^/:]+)(?::([\\w.-]+)|/(.+\\.gguf))");

    private final HubDownload hub;

    public ModelLocation(HubSettings settings, DownloadProgress progress) {
        this.hub = new HubDownload(settings, progress);
    }

    /**
     * The files of a directory or a GGUF file, if there is one of this name, else of a hub model: {@code org/name}, or for a
     * GGUF file of its {@code org/name/file.gguf} or {@code org/name:TYPE}, such as {@code org/name:Q4_K_M}.
     *
     * @param revision branch, tag or commit of the hub model; unused for local files
     * @throws CheckpointException when it is none of these
     * @throws dev.quire.weights.hub.HubException when the hub model cannot be had
     */
    public ModelFiles resolve(String model, String revision) {
        Path path = path(model);
        if (Files.exists(path)) {
            return local(path);
        }
        Matcher gguf = GGUF.matcher(model);
        if (gguf.matches() && HubDownload.isModelName(gguf.group(1))) {
            return local(hub.fetchGguf(gguf.group(1), revision, gguf.group(2) == null ? gguf.group(3) : gguf.group(2)));
        }
        if (!HubDownload.isModelName(model)) {
            throw new CheckpointException(
                    model, "no such directory or file, and not a model name of the form org/name");
        }
        return ModelFiles.ofDirectory(hub.fetch(model, revision));
    }

    /**
     * The files of a model that is here: a directory in Hugging Face's layout, a directory with one GGUF model, a GGUF file.
     *
     * @throws CheckpointException when it is none of these
     */
    public static ModelFiles local(Path path) {
        if (Files.isDirectory(path)) {
            return directory(ModelFiles.ofDirectory(path));
        }
        String name = String.valueOf(path.getFileName());
        if (!GgufFiles.isName(name)) {
            throw new CheckpointException(path.toString(), "is a file, expected a model directory or a .gguf file");
        }
        Path parent = path.toAbsolutePath().getParent();
        return GgufFiles.open(ModelFiles.ofDirectory(parent == null ? path : parent), name);
    }

    /** A checkpoint beside a GGUF file comes first: it is what the file was made of. */
    private static ModelFiles directory(ModelFiles files) {
        boolean hasConfig = files.has("config.json");
        List<String> ggufs = GgufFiles.modelsIn(files);
        if (hasConfig && files.list().stream().anyMatch(name -> name.endsWith(".safetensors"))) {
            return files;
        }
        if (ggufs.isEmpty()) {
            if (!hasConfig) {
                throw new CheckpointException(files.describe("config.json"), "file not found");
            }
            return files;
        }
        if (ggufs.size() > 1) {
            throw new CheckpointException(
                    files.location(), "has " + ggufs.size() + " GGUF models, name one: " + String.join(", ", ggufs));
        }
        return GgufFiles.open(files, ggufs.get(0));
    }

    private static Path path(String model) {
        try {
            return Path.of(model);
        } catch (InvalidPathException e) {
            throw new CheckpointException(model, "is neither a directory nor a model name", e);
        }
    }
}
