package dev.quire.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.model.DecoderWeights;
import dev.quire.model.ModelRegistry;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.ConfigJson;
import dev.quire.weights.ModelFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RandomCheckpointTest {
    private static final Path GOLDENS = Path.of("src/test/resources/goldens");
    private static final Set<String> MULTIMODAL = Set.of("gemma3-multimodal", "ministral3");

    @TempDir
    Path dir;

    static List<String> goldens() throws IOException {
        try (Stream<Path> models = Files.list(GOLDENS)) {
            // Which of several roots names have in a multimodal file, only the file says.
            return models.filter(d -> Files.exists(d.resolve("model.safetensors")))
                    .map(d -> d.getFileName().toString())
                    .filter(name -> !MULTIMODAL.contains(name))
                    .sorted()
                    .toList();
        }
    }

    /** Names, types and shapes are those that transformers and the format's writer gave the same configuration. */
    @ParameterizedTest
    @MethodSource("goldens")
    void hasTheTensorsOfARealCheckpoint(String name) throws IOException {
        Path model = GOLDENS.resolve(name);
        Path output = dir.resolve("out");
        List<Long> progress = new ArrayList<>();
        RandomCheckpoint.Written written =
                new RandomCheckpoint(model, output, 3, 20_000).write((bytes, total) -> progress.add(total - bytes));
        assertThat(progress.get(progress.size() - 1)).isZero();
        assertThat(written.numFiles()).isGreaterThan(1);
        assertThat(Files.readString(output.resolve("config.json")))
                .isEqualTo(Files.readString(model.resolve("config.json")));
        ModelFiles files = ModelFiles.ofDirectory(output);
        try (Checkpoint expected = Checkpoint.open(ModelFiles.ofDirectory(model));
                Checkpoint made = Checkpoint.open(files)) {
            assertThat(new TreeSet<>(made.names())).isEqualTo(new TreeSet<>(expected.names()));
            for (String tensor : expected.names()) {
                assertThat(made.tensor(tensor).shape())
                        .as(tensor)
                        .isEqualTo(expected.tensor(tensor).shape());
            }
            assertThat(made.totalBytes()).isEqualTo(written.sizeBytes());
            ConfigJson json = ConfigJson.read(files, "config.json");
            DecoderWeights.find(made, json, ModelRegistry.config(json));
        }
    }

    @Test
    void refusesInOneLine() throws IOException {
        Files.writeString(dir.resolve("config.json"), "{\"architectures\":[\"NoSuchModel\"]}");
        assertThatThrownBy(() -> new RandomCheckpoint(dir, dir.resolve("a"), 0, 1).write((bytes, total) -> {}))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("NoSuchModel");
        assertThat(dir.resolve("a")).doesNotExist();
        Path model = GOLDENS.resolve("llama");
        assertThatThrownBy(() -> new RandomCheckpoint(model, dir, 0, 1).write((bytes, total) -> {}))
                .isInstanceOf(StartupException.class)
                .hasMessage(dir + " is not empty");
        assertThatThrownBy(() ->
                        new RandomCheckpoint(dir.resolve("none"), dir.resolve("a"), 0, 1).write((bytes, total) -> {}))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("config.json: file not found");
    }
}
