package dev.quire.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.quire.tensor.HostTensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;

/** Writes tensors as the safetensors files of a checkpoint: one, or shards with an index. */
public final class SafetensorsWriter {
    private static final JsonFactory JSON = new JsonFactory();
    private static final int CHUNK_BYTES = 4 << 20;

    private final Path directory;
    private final long maxShardBytes;
    private final LongConsumer written;
    private long numBytes;

    /**
     * @param directory must exist
     * @param maxShardBytes a file ends before the tensor that would make its data longer
     * @param written hears how many bytes of tensors are written so far
     */
    public SafetensorsWriter(Path directory, long maxShardBytes, LongConsumer written) {
        this.directory = directory;
        this.maxShardBytes = maxShardBytes;
        this.written = written;
    }

    /** Writes all; the number of files with tensors in them. */
    public int write(Collection<HostTensor> tensors) throws IOException {
        List<List<HostTensor>> shards = shards(tensors);
        List<String> names = new ArrayList<>();
        for (int i = 0; i < shards.size(); i++) {
            names.add(
                    shards.size() == 1
                            ? SafetensorsCheckpoint.SINGLE
                            : String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, shards.size()));
            writeShard(names.get(i), shards.get(i));
        }
        if (shards.size() > 1) {
            writeIndex(names, shards);
        }
        return shards.size();
    }

    private List<List<HostTensor>> shards(Collection<HostTensor> tensors) {
        List<List<HostTensor>> shards = new ArrayList<>();
        long left = 0;
        for (HostTensor tensor : tensors) {
            if (shards.isEmpty() || tensor.sizeBytes() > left) {
                shards.add(new ArrayList<>());
                left = maxShardBytes;
            }
            shards.get(shards.size() - 1).add(tensor);
            left -= tensor.sizeBytes();
        }
        // Wide elements first, as the reference writer does: then every tensor is aligned.
        Comparator<HostTensor> widest =
                Comparator.comparingInt(tensor -> -tensor.dtype().sizeBytes());
        shards.forEach(shard -> shard.sort(widest));
        return shards;
    }

    private void writeShard(String name, List<HostTensor> tensors) throws IOException {
        try (FileChannel channel =
                FileChannel.open(directory.resolve(name), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            byte[] header = header(tensors);
            writeFully(
                    channel,
                    ByteBuffer.allocate(8 + header.length)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(header.length)
                            .put(header)
                            .flip());
            for (HostTensor tensor : tensors) {
                write(channel, tensor);
            }
        }
    }

    /** Padded so that data begin at a multiple of 8 bytes. */
    private static byte[] header(List<HostTensor> tensors) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            json.writeStartObject();
            json.writeObjectFieldStart("__metadata__");
            json.writeStringField("format", "pt");
            json.writeEndObject();
            long at = 0;
            for (HostTensor tensor : tensors) {
                json.writeObjectFieldStart(tensor.name());
                json.writeStringField("dtype", tensor.dtype().safetensorsName());
                json.writeFieldName("shape");
                long[] dims = tensor.shape().toArray();
                json.writeArray(dims, 0, dims.length);
                json.writeFieldName("data_offsets");
                json.writeArray(new long[] {at, at + tensor.sizeBytes()}, 0, 2);
                json.writeEndObject();
                at += tensor.sizeBytes();
            }
            json.writeEndObject();
        }
        while (bytes.size() % 8 != 0) {
            bytes.write(' ');
        }
        return bytes.toByteArray();
    }

    /** Some chunks at a time: making random ones takes longer than writing them. */
    private void write(FileChannel channel, HostTensor tensor) throws IOException {
        int perRound = Runtime.getRuntime().availableProcessors();
        long size = tensor.sizeBytes();
        for (long start = 0; start < size; start += (long) perRound * CHUNK_BYTES) {
            long from = start;
            int count = (int) Math.min(perRound, (size - start + CHUNK_BYTES - 1) / CHUNK_BYTES);
            List<ByteBuffer> chunks = IntStream.range(0, count)
                    .parallel()
                    .mapToObj(i -> chunk(tensor, from + (long) i * CHUNK_BYTES))
                    .toList();
            for (ByteBuffer chunk : chunks) {
                numBytes += chunk.remaining();
                writeFully(channel, chunk);
            }
            written.accept(numBytes);
        }
    }

    private static ByteBuffer chunk(HostTensor tensor, long offset) {
        return tensor.slice(offset, (int) Math.min(CHUNK_BYTES, tensor.sizeBytes() - offset));
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private void writeIndex(List<String> names, List<List<HostTensor>> shards) throws IOException {
        try (OutputStream out = Files.newOutputStream(
                        directory.resolve(SafetensorsCheckpoint.INDEX), StandardOpenOption.CREATE_NEW);
                JsonGenerator json = JSON.createGenerator(out).useDefaultPrettyPrinter()) {
            json.writeStartObject();
            json.writeObjectFieldStart("metadata");
            json.writeNumberField("total_size", numBytes);
            json.writeEndObject();
            json.writeObjectFieldStart("weight_map");
            for (int i = 0; i < names.size(); i++) {
                for (HostTensor tensor : shards.get(i)) {
                    json.writeStringField(tensor.name(), names.get(i));
                }
            }
            json.writeEndObject();
            json.writeEndObject();
        }
    }
}
