package dev.quire.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.tensor.DType;
import dev.quire.tensor.HostBytes;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsWriterTest {
    @TempDir
    Path dir;

    private static HostTensor random(Random random, String name, DType type, long... dims) {
        Shape shape = Shape.of(dims);
        byte[] bytes = new byte[(int) shape.numElements() * type.sizeBytes()];
        random.nextBytes(bytes);
        return new HostTensor(name, type, shape, HostBytes.of(ByteBuffer.wrap(bytes)));
    }

    private static List<HostTensor> tensors() {
        Random random = new Random(5);
        return List.of(
                random(random, "a", DType.F8_E4M3, 7, 3),
                random(random, "b.\"quoted\"", DType.I64, 2),
                random(random, "c", DType.BF16, 5),
                random(random, "d", DType.F32),
                random(random, "e", DType.I32, 10, 10),
                random(random, "f", DType.I8, 1));
    }

    /** 21, 16, 10, 4, 400 and 1 bytes. */
    @ParameterizedTest
    @CsvSource({"5000000000, 1", "452, 1", "451, 2", "47, 4", "1, 6"})
    void whatIsReadIsWhatWasWritten(long maxShardBytes, int numFiles) throws IOException {
        List<HostTensor> tensors = tensors();
        List<Long> progress = new ArrayList<>();
        assertThat(new SafetensorsWriter(dir, maxShardBytes, progress::add).write(tensors))
                .isEqualTo(numFiles);
        assertThat(progress).hasSize(6).isSorted().endsWith(452L);
        assertThat(Files.exists(dir.resolve("model.safetensors"))).isEqualTo(numFiles == 1);
        assertThat(Files.exists(dir.resolve("model.safetensors.index.json"))).isEqualTo(numFiles > 1);
        try (Checkpoint read = Checkpoint.open(ModelFiles.ofDirectory(dir))) {
            assertThat(read.names()).hasSize(6);
            assertThat(read.totalBytes()).isEqualTo(452);
            for (HostTensor tensor : tensors) {
                HostTensor found = read.tensor(tensor.name());
                assertThat(found.dtype()).isEqualTo(tensor.dtype());
                assertThat(found.shape()).isEqualTo(tensor.shape());
                assertThat(found.slice(0, (int) tensor.sizeBytes()))
                        .isEqualTo(tensor.slice(0, (int) tensor.sizeBytes()));
            }
        }
    }

    @Test
    void tensorsLongerThanAChunkAreWrittenInOrder() throws IOException {
        Checkpoint dummy = Checkpoint.dummy(ModelFiles.ofDirectory(dir), 1);
        HostTensor large = dummy.tensor("w", Shape.of(3000, 5001), DType.BF16);
        new SafetensorsWriter(dir, Long.MAX_VALUE, bytes -> {}).write(List.of(large));
        try (Checkpoint read = Checkpoint.open(ModelFiles.ofDirectory(dir))) {
            int size = (int) large.sizeBytes();
            assertThat(read.tensor("w").slice(0, size).mismatch(large.slice(0, size)))
                    .isEqualTo(-1);
        }
    }
}
