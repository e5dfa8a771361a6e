package dev.quire.boot;

import dev.quire.model.DecoderWeights;
import dev.quire.model.ModelRegistry;
import dev.quire.weights.CheckpointException;
import dev.quire.weights.ConfigJson;
import dev.quire.weights.ModelFiles;
import dev.quire.weights.RecordingCheckpoint;
import dev.quire.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Writes a checkpoint directory of random weights for any configuration that can be served: for measuring a model, its
 * quantization and its loading at full size where nobody has the trained one.
 */
public final class RandomCheckpoint {
    private static final String WEIGHTS = ".*\\.(safetensors|safetensors\\.index\\.json|bin|pt|pth|gguf)";

    private final Path model;
    private final Path output;
    private final long seed;
    private final long maxShardBytes;

    /**
     * @param model a directory with config.json; what else is there and is no weights is copied too
     * @param output a directory that is empty or does not exist
     */
    public RandomCheckpoint(Path model, Path output, long seed, long maxShardBytes) {
        this.model = model;
        this.output = output;
        this.seed = seed;
        this.maxShardBytes = maxShardBytes;
    }

    /** What was written. */
    public record Written(int numFiles, int numTensors, long sizeBytes) {}

    /** Hears how far the writing is. */
    public interface Listener {
        void wrote(long bytes, long totalBytes);
    }

    /** @throws StartupException in one line, when the configuration is not supported or the output is not empty */
    public Written write(Listener listener) throws IOException {
        ModelFiles files = ModelFiles.ofDirectory(model);
        try (RecordingCheckpoint recorder = RecordingCheckpoint.of(files, seed)) {
            ConfigJson json = ConfigJson.read(files, "config.json");
            DecoderWeights.find(recorder, json, ModelRegistry.config(json));
            makeEmptyDirectory();
            for (String name : files.list()) {
                if (!name.matches(WEIGHTS)) {
                    Files.copy(model.resolve(name), output.resolve(name));
                }
            }
            long total = recorder.totalBytes();
            SafetensorsWriter writer =
                    new SafetensorsWriter(output, maxShardBytes, bytes -> listener.wrote(bytes, total));
            return new Written(
                    writer.write(recorder.tensors()), recorder.tensors().size(), total);
        } catch (CheckpointException e) {
            throw new StartupException(e.getMessage(), e);
        }
    }

    private void makeEmptyDirectory() throws IOException {
        Files.createDirectories(output);
        try (Stream<Path> entries = Files.list(output)) {
            if (entries.findAny().isPresent()) {
                throw new StartupException(output + " is not empty");
            }
        }
    }
}
