package dev.quire.weights.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.tensor.HostBytes;
import dev.quire.tensor.Shape;
import dev.quire.weights.CheckpointException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufFileTest {
    private static GgufBuilder small() {
        return GgufBuilder.of("llama")
                .uint32("llama.block_count", 2)
                .float32("llama.rope.freq_base", 10000)
                .bool("tokenizer.ggml.add_bos_token", true)
                .strings("tokenizer.ggml.tokens", List.of("a", "ü", "<|end|>"))
                .int32s("tokenizer.ggml.token_type", 1, 1, 3)
                .floats("output_norm.weight", new float[] {1, 2, 3}, 3)
                .tensor("blk.0.attn_v.weight", 8, new byte[2 * 34], 32, 2);
    }

    private static GgufFile read(byte[] bytes) {
        return GgufFile.read("toy.gguf", HostBytes.of(ByteBuffer.wrap(bytes)));
    }

    private static AbstractThrowableAssert<?, ? extends Throwable> refuses(byte[] bytes) {
        return assertThatThrownBy(() -> read(bytes))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith("toy.gguf: ");
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void readsMetadataAndTensors(int version) {
        GgufFile file = read(small().version(version).bytes());
        GgufMetadata metadata = file.metadata();
        assertThat(metadata.string("general.architecture")).isEqualTo("llama");
        assertThat(metadata.integer("llama.block_count")).isEqualTo(2);
        assertThat(metadata.number("llama.rope.freq_base")).isEqualTo(10000);
        assertThat(metadata.bool("tokenizer.ggml.add_bos_token", false)).isTrue();
        assertThat(metadata.strings("tokenizer.ggml.tokens")).containsExactly("a", "ü", "<|end|>");
        assertThat(metadata.numbers("tokenizer.ggml.token_type")).containsExactly(1, 1, 3);
        assertThat(file.tensors()).containsOnlyKeys("output_norm.weight", "blk.0.attn_v.weight");
        assertThat(file.tensors().get("output_norm.weight").plain("norm").toFloats())
                .containsExactly(1, 2, 3);
        // The file has the inner extent first.
        assertThat(file.tensors().get("blk.0.attn_v.weight").shape()).isEqualTo(Shape.of(2, 32));
    }

    @Test
    void everyTypeOfValueIsRead() {
        byte[] eight = GgufBuilder.longs(-3);
        GgufMetadata metadata = GgufBuilder.of("llama")
                .value("u8", 0, new byte[] {(byte) 200})
                .value("i8", 1, new byte[] {-56})
                .value("u16", 2, new byte[] {-1, -1})
                .value("i16", 3, new byte[] {-1, -1})
                .value("u32", 4, GgufBuilder.ints(-1))
                .value("i32", 5, GgufBuilder.ints(-1))
                .value("u64", 10, GgufBuilder.longs(1L << 40))
                .value("i64", 11, eight)
                .value("f64", 12, GgufBuilder.longs(Double.doubleToRawLongBits(0.1)))
                .read()
                .metadata();
        assertThat(metadata.number("u8")).isEqualTo(200);
        assertThat(metadata.number("i8")).isEqualTo(-56);
        assertThat(metadata.number("u16")).isEqualTo(65535);
        assertThat(metadata.number("i16")).isEqualTo(-1);
        assertThat(metadata.number("u32")).isEqualTo(4294967295.0);
        assertThat(metadata.number("i32")).isEqualTo(-1);
        assertThat(metadata.number("u64")).isEqualTo(1L << 40);
        assertThat(metadata.number("i64")).isEqualTo(-3);
        assertThat(metadata.number("f64")).isEqualTo(0.1);
        assertThatThrownBy(() -> metadata.integer("u64")).hasMessageContaining("'u64' must be an int");
        assertThatThrownBy(() -> metadata.string("u8")).hasMessageContaining("'u8' must be a string, has type uint8");
        assertThatThrownBy(() -> metadata.number("none")).hasMessageContaining("'none' is missing");
    }

    @Test
    void refusesOtherFilesAndVersions() {
        refuses("PK".getBytes()).hasMessageContaining("not a GGUF file");
        refuses(small().version(1).bytes()).hasMessageContaining("version 1 is not supported");
        refuses(small().version(Integer.reverseBytes(3)).bytes()).hasMessageContaining("big-endian");
    }

    @Test
    void namesTheTensorOfAnUnknownType() {
        refuses(small().tensor("blk.0.ffn_up.weight", 10, new byte[84], 256, 1).bytes())
                .hasMessageContaining(
                        "'blk.0.ffn_up.weight' has type Q2_K (10), which is not supported; supported: F32");
        refuses(small().tensor("x", 77, new byte[84], 256, 1).bytes()).hasMessageContaining("unknown (77)");
    }

    @Test
    void refusesTensorsThatDoNotFit() {
        refuses(small().tensor("x", 8, new byte[34], 31, 1).bytes())
                .hasMessageContaining("rows of 31 elements, not a multiple of Q8_0's 32");
        refuses(small().tensor("x", 0, new byte[4], 1 << 20, 1 << 20).bytes()).hasMessageContaining("truncated");
        refuses(small().tensor("x", 0, new byte[4], 1L << 40, 1L << 40).bytes())
                .hasMessageContaining("too many elements");
        refuses(small().tensor("x", 0, new byte[4], 0).bytes()).hasMessageContaining("extent of 0");
        refuses(small().tensor("x", 0, new byte[4], 1, 1, 1, 1, 1).bytes()).hasMessageContaining("5 dimensions");
        refuses(small().floats("output_norm.weight", new float[1], 1).bytes()).hasMessageContaining("there twice");
    }

    /** No length of a file is read as another file, or gives anything but the one exception. */
    @Test
    void everyTruncationIsRefused() {
        byte[] whole = small().bytes();
        // Its last tensor's padding is nobody's.
        for (int length = 0; length < whole.length - 32; length++) {
            refuses(Arrays.copyOf(whole, length));
        }
    }

    @Test
    void corruptedHeadersGiveOnlyTheOneException() {
        byte[] whole = small().bytes();
        Random random = new Random(3);
        int refused = 0;
        for (int round = 0; round < 20_000; round++) {
            byte[] broken = whole.clone();
            for (int i = random.nextInt(4); i >= 0; i--) {
                broken[random.nextInt(whole.length)] = (byte) random.nextInt();
            }
            try {
                readAll(read(broken));
            } catch (CheckpointException e) {
                refused++;
                assertThat(e.getMessage()).startsWith("toy.gguf").doesNotContain("\n");
            }
        }
        assertThat(refused).isGreaterThan(5_000);
    }

    /** What a model does with a header that was accepted. */
    private static void readAll(GgufFile file) {
        GgufMetadata metadata = file.metadata();
        for (String key : metadata.keys()) {
            if (metadata.isArray(key)) {
                try {
                    metadata.numbers(key);
                } catch (CheckpointException e) {
                    metadata.strings(key);
                }
            }
        }
        for (GgufTensor tensor : file.tensors().values()) {
            if (tensor.type().isPlain()) {
                tensor.plain("x").toFloats();
            }
        }
        new GgufVocabulary(metadata);
        GgufArchitecture.of(metadata);
    }
}
