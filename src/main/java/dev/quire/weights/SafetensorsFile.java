package dev.quire.weights;

import dev.quire.tensor.HostBytes;
import dev.quire.tensor.HostTensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One safetensors file: 8 bytes header length N, N bytes JSON, then the data, which the tensors fill without gap or
 * overlap. Opening reads only the header; a file that does not keep its promises is refused here, not later.
 */
final class SafetensorsFile {
    /** The limit of the reference implementation. */
    private static final int MAX_HEADER_BYTES = 100_000_000;

    private final String file;
    private final Map<String, HostTensor> tensors;
    private final long dataBytes;

    private SafetensorsFile(String file, Map<String, HostTensor> tensors, long dataBytes) {
        this.file = file;
        this.tensors = tensors;
        this.dataBytes = dataBytes;
    }

    /** Reads and checks the header; throws {@link CheckpointException}. */
    static SafetensorsFile read(String file, HostBytes bytes) {
        long size = bytes.sizeBytes();
        if (size < 8) {
            throw new CheckpointException(file, "not a safetensors file: only " + size + " bytes long");
        }
        long headerBytes = bytes.slice(0, 8).getLong();
        if (headerBytes < 2 || headerBytes > MAX_HEADER_BYTES) {
            throw new CheckpointException(
                    file, "not a safetensors file: header of " + Long.toUnsignedString(headerBytes) + " bytes");
        }
        if (headerBytes > size - 8) {
            throw new CheckpointException(
                    file, "truncated: header of " + headerBytes + " bytes in a file of " + size + " bytes");
        }
        byte[] json = new byte[(int) headerBytes];
        bytes.slice(8, json.length).get(json);
        Map<String, SafetensorsHeader.Entry> entries = SafetensorsHeader.parse(file, json);
        HostBytes data = bytes.range(8 + headerBytes, size - 8 - headerBytes);
        checkLayout(file, entries, data.sizeBytes());
        Map<String, HostTensor> tensors = new LinkedHashMap<>();
        entries.forEach((name, entry) -> tensors.put(
                name,
                new HostTensor(
                        name, entry.dtype(), entry.shape(), data.range(entry.begin(), entry.end() - entry.begin()))));
        return new SafetensorsFile(file, Collections.unmodifiableMap(tensors), data.sizeBytes());
    }

    private static void checkLayout(String file, Map<String, SafetensorsHeader.Entry> entries, long dataBytes) {
        List<Map.Entry<String, SafetensorsHeader.Entry>> ordered = new ArrayList<>(entries.entrySet());
        ordered.sort(Comparator.comparingLong((Map.Entry<String, SafetensorsHeader.Entry> e) ->
                        e.getValue().begin())
                .thenComparingLong(e -> e.getValue().end()));
        long at = 0;
        for (Map.Entry<String, SafetensorsHeader.Entry> named : ordered) {
            SafetensorsHeader.Entry entry = named.getValue();
            String range = "at data bytes " + entry.begin() + " to " + entry.end();
            if (entry.end() > dataBytes) {
                throw CheckpointException.ofTensor(
                        file, named.getKey(), range + " is truncated: the file has " + dataBytes + " data bytes");
            }
            if (entry.begin() != at) {
                throw CheckpointException.ofTensor(
                        file,
                        named.getKey(),
                        range + (entry.begin() < at ? " overlaps the tensor before it" : " leaves a gap from " + at));
            }
            at = entry.end();
        }
        if (at != dataBytes) {
            throw new CheckpointException(
                    file, (dataBytes - at) + " bytes after the last tensor belong to no tensor: trailing gap");
        }
    }

    String file() {
        return file;
    }

    /** Tensors by name, in header order; unmodifiable. */
    Map<String, HostTensor> tensors() {
        return tensors;
    }

    /** Bytes of all tensors. */
    long dataBytes() {
        return dataBytes;
    }
}
