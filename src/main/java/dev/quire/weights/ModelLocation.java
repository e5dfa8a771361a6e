package dev.quire.weights;

import dev.quire.weights.hub.DownloadProgress;
import dev.quire.weights.hub.HubDownload;
import dev.quire.weights.hub.HubSettings;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Finds the files of the model that a user names: a local directory, or a model of a hub, downloaded when needed. */
public final class ModelLocation {
    private final HubDownload hub;

    public ModelLocation(HubSettings settings, DownloadProgress progress) {
        this.hub = new HubDownload(settings, progress);
    }

    /**
     * The files of a directory, if there is one of this name, else of a hub model {@code org/name}.
     *
     * @param revision branch, tag or commit of the hub model; unused for a directory
     * @throws CheckpointException when it is neither
     * @throws dev.quire.weights.hub.HubException when the hub model cannot be had
     */
    public ModelFiles resolve(String model, String revision) {
        Path path = path(model);
        if (Files.isDirectory(path)) {
            if (!Files.isRegularFile(path.resolve("config.json"))) {
                throw new CheckpointException(path.resolve("config.json").toString(), "file not found");
            }
            return ModelFiles.ofDirectory(path);
        }
        if (Files.exists(path)) {
            throw new CheckpointException(model, "is a file, expected a model directory");
        }
        if (!HubDownload.isModelName(model)) {
            throw new CheckpointException(model, "no such directory, and not a model name of the form org/name");
        }
        return ModelFiles.ofDirectory(hub.fetch(model, revision));
    }

    private static Path path(String model) {
        try {
            return Path.of(model);
        } catch (InvalidPathException e) {
            throw new CheckpointException(model, "is neither a directory nor a model name", e);
        }
    }
}
