package dev.quire.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.tensor.DType;
import dev.quire.tensor.HostBytes;
import dev.quire.tensor.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsFileTest {
    private static SafetensorsFile read(byte[] bytes) {
        return SafetensorsFile.read("f.safetensors", HostBytes.of(ByteBuffer.wrap(bytes)));
    }

    private static byte[] honest() {
        return new SafetensorsBuilder()
                .floats("a", new long[] {2, 2}, 1, 2, 3, 4)
                .bf16("b", new long[] {3}, 5, 6, 7)
                .floats("empty", new long[] {0, 7})
                .floats("scalar", new long[] {}, 8)
                .build();
    }

    @Test
    void readsTensorsInFileOrder() {
        SafetensorsFile file = read(honest());
        assertThat(file.tensors().keySet()).containsExactly("a", "b", "empty", "scalar");
        assertThat(file.tensors().get("a").toFloats()).containsExactly(1, 2, 3, 4);
        assertThat(file.tensors().get("b").dtype()).isEqualTo(DType.BF16);
        assertThat(file.tensors().get("b").toFloats()).containsExactly(5, 6, 7);
        assertThat(file.tensors().get("empty").shape()).isEqualTo(Shape.of(0, 7));
        assertThat(file.tensors().get("scalar").toFloats()).containsExactly(8);
        assertThat(file.dataBytes()).isEqualTo(16 + 6 + 4);
    }

    @Test
    void everyShorterFileIsRefused() {
        byte[] whole = honest();
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> read(cut))
                    .as("%s bytes", length)
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageStartingWith("f.safetensors: ")
                    .hasMessageNotContaining("\n");
        }
        assertThatThrownBy(() -> read(Arrays.copyOf(whole, whole.length - 1)))
                .hasMessage("f.safetensors: tensor 'scalar' at data bytes 22 to 26 is truncated:"
                        + " the file has 25 data bytes");
    }

    @Test
    void trailingBytesAreRefused() {
        byte[] whole = honest();
        assertThatThrownBy(() -> read(Arrays.copyOf(whole, whole.length + 3)))
                .hasMessageContaining("3 bytes after the last tensor");
    }

    @Test
    void lyingHeaderLengthsAreRefused() {
        for (long length : new long[] {0, 1, -1, Long.MAX_VALUE, 100_000_001, 1000}) {
            byte[] file = honest();
            ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
            assertThatThrownBy(() -> read(file))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("header");
        }
    }

    /** Single quotes stand for double ones; the data are 8 bytes. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]} | broken JSON header",
                "[] | not an object",
                "{} {} | more than one value",
                "{'a':3} | tensor 'a' is not described",
                "{'a':{'dtype':'F32','shape':[2]}} | tensor 'a' lacks",
                "{'a':{'dtype':'Q9','shape':[2],'data_offsets':[0,8]}} | tensor 'a' has unknown dtype 'Q9'",
                "{'a':{'dtype':5,'shape':[2],'data_offsets':[0,8]}} | tensor 'a' has a dtype",
                "{'a':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}} | tensor 'a' F32 [3] needs 12 bytes",
                "{'a':{'dtype':'F64','shape':[2],'data_offsets':[0,8]}} | tensor 'a' F64 [2] needs 16 bytes",
                "{'a':{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}} | tensor 'a' has impossible shape",
                "{'a':{'dtype':'F32','shape':[1.5],'data_offsets':[0,8]}} | tensor 'a' has a shape",
                "{'a':{'dtype':'F32','shape':[4611686018427387904,4],'data_offsets':[0,8]}} | impossible shape",
                "{'a':{'dtype':'F32','shape':[4611686018427387904],'data_offsets':[0,8]}} | impossible shape",
                "{'a':{'dtype':'F32','shape':[99999999999999999999],'data_offsets':[0,8]}} | broken JSON header",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}} | tensor 'a' has data_offsets [8, 0]",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[-8,0]}} | tensor 'a' has data_offsets",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0]}} | tensor 'a' needs two data_offsets",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[8,16]}} | tensor 'a' at data bytes 8 to 16 is truncated",
                "{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}} | tensor 'a' at data bytes 4 to 8 leaves a gap",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},"
                        + "'b':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}} | tensor 'b' at data bytes 4 to 8 overlaps",
                "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},"
                        + "'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}} | tensor 'a' appears twice",
                "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}} | trailing gap",
            })
    void contradictionsAreRefused(String header, String message) {
        assertThatThrownBy(() -> read(SafetensorsBuilder.file(header.replace('\'', '"'), new byte[8])))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith("f.safetensors: ")
                .hasMessageContaining(message)
                .hasMessageNotContaining("\n");
    }

    @Test
    void namesCannotBreakTheLineOfAMessage() {
        String header = "{\"a\\n\\u001b[2J\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}";
        assertThatThrownBy(() -> read(SafetensorsBuilder.file(header, new byte[8])))
                .hasMessageNotContaining("\n")
                .hasMessageNotContaining("\u001b");
    }
}
