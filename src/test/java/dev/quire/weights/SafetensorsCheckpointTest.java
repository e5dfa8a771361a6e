package dev.quire.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Shape;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsCheckpointTest {
    private static final long[] TWO = {2};

    @TempDir
    Path dir;

    private Checkpoint open() {
        return Checkpoint.open(ModelFiles.ofDirectory(dir));
    }

    private void index(Map<String, String> weightMap) throws IOException {
        new ObjectMapper()
                .writeValue(
                        dir.resolve(SafetensorsCheckpoint.INDEX).toFile(),
                        Map.of("metadata", Map.of("total_size", 16), "weight_map", weightMap));
    }

    private void shards() {
        new SafetensorsBuilder().floats("a", TWO, 1, 2).writeTo(dir.resolve("s1.safetensors"));
        new SafetensorsBuilder().floats("b", TWO, 3, 4).writeTo(dir.resolve("s2.safetensors"));
    }

    @Test
    void opensASingleFile() {
        new SafetensorsBuilder().floats("a", new long[] {1, 2}, 1, 2).writeTo(dir.resolve("model.safetensors"));
        try (Checkpoint checkpoint = open()) {
            assertThat(checkpoint.names()).containsExactly("a");
            assertThat(checkpoint.has("a")).isTrue();
            assertThat(checkpoint.has("b")).isFalse();
            assertThat(checkpoint.totalBytes()).isEqualTo(8);
            HostTensor tensor = checkpoint.tensor("a", Shape.of(1, 2), DType.BF16);
            assertThat(tensor.dtype()).isEqualTo(DType.F32);
            assertThat(tensor.slice(0, 8).isDirect()).isTrue();
            assertThat(tensor.toFloats()).containsExactly(1, 2);
            assertThatThrownBy(() -> checkpoint.tensor("b"))
                    .hasMessage(dir + ": tensor 'b' is missing, the checkpoint has 1 tensors");
            assertThatThrownBy(() -> checkpoint.tensor("a", Shape.of(2), DType.F32))
                    .hasMessage(dir + "/model.safetensors: tensor 'a' has shape [1, 2], expected [2]");
        }
    }

    @Test
    void opensShards() throws IOException {
        shards();
        index(Map.of("a", "s1.safetensors", "b", "s2.safetensors"));
        // Not in the index: another form of the same model.
        new SafetensorsBuilder().floats("a", TWO, 9, 9).writeTo(dir.resolve("consolidated.safetensors"));
        try (Checkpoint checkpoint = open()) {
            assertThat(checkpoint.names()).containsExactlyInAnyOrder("a", "b");
            assertThat(checkpoint.tensor("a").toFloats()).containsExactly(1, 2);
            assertThat(checkpoint.tensor("b").toFloats()).containsExactly(3, 4);
            assertThat(checkpoint.totalBytes()).isEqualTo(16);
        }
    }

    @Test
    void opensShardsWithoutIndex() {
        shards();
        try (Checkpoint checkpoint = open()) {
            assertThat(checkpoint.names()).containsExactly("a", "b");
        }
    }

    @Test
    void refusesAMissingShard() throws IOException {
        shards();
        index(Map.of("a", "s1.safetensors", "c", "s3.safetensors"));
        assertThatThrownBy(this::open).hasMessageContaining("s3.safetensors: shard is missing");
    }

    @Test
    void refusesAnIndexThatNamesATensorItsShardLacks() throws IOException {
        shards();
        index(Map.of("a", "s1.safetensors", "b", "s1.safetensors"));
        assertThatThrownBy(this::open).hasMessageContaining("s1.safetensors: tensor 'b' is not in this shard");
    }

    @Test
    void refusesATensorInTwoShards() throws IOException {
        shards();
        new SafetensorsBuilder().floats("b", TWO, 3, 4).floats("a", TWO, 5, 6).writeTo(dir.resolve("s2.safetensors"));
        index(Map.of("a", "s1.safetensors", "b", "s2.safetensors"));
        assertThatThrownBy(this::open).hasMessageContaining("tensor 'a' is in ").hasMessageEndingWith(" too");
    }

    @Test
    void refusesAnIndexThatLeavesTheDirectory() throws IOException {
        for (String name : new String[] {"../s1.safetensors", "/etc/passwd", "x/../../y", "..", "a\\b", ""}) {
            index(Map.of("a", name));
            assertThatThrownBy(this::open).hasMessageContaining("refused file name '" + name + "'");
        }
    }

    @Test
    void refusesABrokenIndex() throws IOException {
        for (String json : new String[] {"{", "[]", "{}", "{\"weight_map\": 3}", "{\"weight_map\": {\"a\": 3}}"}) {
            Files.writeString(dir.resolve(SafetensorsCheckpoint.INDEX), json);
            assertThatThrownBy(this::open)
                    .as(json)
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining(SafetensorsCheckpoint.INDEX);
        }
    }

    @Test
    void saysWhatItFoundInsteadOfSafetensors() throws IOException {
        assertThatThrownBy(this::open).hasMessageContaining("no model.safetensors");
        Files.write(dir.resolve("pytorch_model.bin"), new byte[3]);
        assertThatThrownBy(this::open).hasMessageContaining("pytorch_model.bin is a pickle");
    }

    @Test
    void readsFromTheClassPath() throws IOException {
        Path root = Files.createDirectories(dir.resolve("models/demo"));
        new SafetensorsBuilder().floats("a", TWO, 1, 2).writeTo(root.resolve("model.safetensors"));
        Files.writeString(root.resolve("config.json"), "{\"model_type\":\"llama\"}");
        try (URLClassLoader loader = new URLClassLoader(new URL[] {dir.toUri().toURL()}, null);
                Checkpoint checkpoint = Checkpoint.open(ModelFiles.ofResources(loader, "models/demo"))) {
            assertThat(checkpoint.tensor("a").toFloats()).containsExactly(1, 2);
            assertThat(checkpoint.tensor("a").slice(0, 8).isDirect()).isTrue();
            assertThat(ConfigJson.read(checkpoint.files(), "config.json").modelType())
                    .isEqualTo("llama");
            assertThat(checkpoint.files().has("tokenizer.json")).isFalse();
            assertThatThrownBy(() -> checkpoint.files().read("tokenizer.json"))
                    .hasMessage("classpath:models/demo/tokenizer.json: resource not found");
        }
    }

    @Test
    void readsTensorsBeyondFourGibibytes() throws IOException {
        long elements = (5L << 30) + 6;
        String header = "{\"big\":{\"dtype\":\"U8\",\"shape\":[" + elements + "],\"data_offsets\":[0," + elements
                + "]},\"last\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[" + elements + "," + (elements + 4)
                + "]}}";
        byte[] start = SafetensorsBuilder.file(header, new byte[0]);
        long[] marks = {0, (1L << 30) - 2, (1L << 31) - 2, (3L << 30) - start.length - 2, elements - 4};
        try (FileChannel file = FileChannel.open(
                dir.resolve("model.safetensors"), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            // Sparse: only the marks take space.
            file.write(ByteBuffer.wrap(start));
            for (int i = 0; i < marks.length; i++) {
                byte[] mark = {(byte) (i + 1), (byte) (i + 2), (byte) (i + 3), (byte) (i + 4)};
                file.write(ByteBuffer.wrap(mark), start.length + marks[i]);
            }
            file.write(ByteBuffer.wrap(new byte[] {0, 0, (byte) 0x80, 0x3f}), start.length + elements);
        }
        try (Checkpoint checkpoint = open()) {
            HostTensor big = checkpoint.tensor("big");
            for (int i = 0; i < marks.length; i++) {
                assertThat(big.slice(marks[i], 4).getInt()).isEqualTo(0x04030201 + 0x01010101 * i);
            }
            // The longest slice, across the 2 GiB border of the file.
            ByteBuffer gibibyte = big.slice((1L << 31) - 2 - (1 << 29), 1 << 30);
            assertThat(gibibyte.getInt(1 << 29)).isEqualTo(0x06050403);
            assertThat(big.slice(elements, 0).remaining()).isZero();
            assertThatThrownBy(() -> big.slice(elements - 3, 4)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThat(big.rows(elements - 4, 4).slice(0, 4).getInt()).isEqualTo(0x08070605);
            assertThat(checkpoint.tensor("last").toFloats()).containsExactly(1);
        }
    }

    @Test
    void readsARealModel() {
        Path stories = Path.of("../shared/data/models/stories260K");
        Assumptions.assumeTrue(Files.isDirectory(stories), "stories260K is not there");
        ModelFiles files = ModelFiles.ofDirectory(stories);
        ConfigJson config = ConfigJson.read(files, "config.json");
        Shape embedding = Shape.of(config.integer("vocab_size"), config.integer("hidden_size"));
        try (Checkpoint checkpoint = Checkpoint.open(files)) {
            HostTensor tensor = checkpoint.tensor("model.embed_tokens.weight", embedding, DType.F32);
            float[] values = tensor.toFloats();
            // As the safetensors package of Python reads them.
            assertThat(values[0]).isEqualTo(-0.29474878f);
            assertThat(values[values.length - 1]).isEqualTo(-0.4240326f);
            assertThat(checkpoint.names()).hasSize(47);
            double sum = 0;
            for (String name : checkpoint.names()) {
                for (float value : checkpoint.tensor(name).toFloats()) {
                    sum += value;
                }
            }
            assertThat(sum).isCloseTo(-14.691442941950697, within(1e-9));
            assertThat(checkpoint.has("model.layers.0.self_attn.q_proj.weight")).isTrue();
        }
    }
}
