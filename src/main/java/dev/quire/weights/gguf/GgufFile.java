package dev.quire.weights.gguf;

import dev.quire.tensor.HostBytes;
import dev.quire.tensor.Shape;
import dev.quire.weights.CheckpointException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One GGUF file of version 2 or 3: metadata, then the infos of the tensors, then their data, each at a multiple of the
 * alignment (ggml's {@code docs/gguf.md}). Opening reads only the header; a file that does not keep its promises is refused
 * here, not later.
 */
final class GgufFile {
    private static final int MAGIC = 0x46554747;
    private static final int MAX_DIMS = 4;
    private static final int DEFAULT_ALIGNMENT = 32;
    private static final int MIN_VALUE_BYTES = 13;
    private static final int MIN_INFO_BYTES = 24;

    private final GgufMetadata metadata;
    private final Map<String, GgufTensor> tensors;

    private GgufFile(GgufMetadata metadata, Map<String, GgufTensor> tensors) {
        this.metadata = metadata;
        this.tensors = Collections.unmodifiableMap(tensors);
    }

    /** Reads and checks the header; throws {@link CheckpointException}. */
    static GgufFile read(String file, HostBytes bytes) {
        GgufCursor cursor = new GgufCursor(file, bytes, 0);
        if (bytes.sizeBytes() < 8 || cursor.int32() != MAGIC) {
            throw new CheckpointException(file, "not a GGUF file: it does not begin with the letters GGUF");
        }
        int version = cursor.int32();
        if (version != 2 && version != 3) {
            String why = Integer.reverseBytes(version) == 3 ? ", which is a big-endian file" : "";
            throw new CheckpointException(
                    file,
                    "GGUF version " + Integer.toUnsignedString(version) + " is not supported" + why
                            + "; supported: 2, 3 little-endian");
        }
        long numTensors = cursor.count("tensors", MIN_INFO_BYTES);
        long numValues = cursor.count("metadata values", MIN_VALUE_BYTES);
        GgufMetadata metadata = GgufMetadata.read(file, bytes, cursor, numValues);
        return new GgufFile(metadata, new Infos(file, bytes, alignment(metadata)).read(cursor, numTensors));
    }

    private static int alignment(GgufMetadata metadata) {
        int alignment = metadata.integer("general.alignment", DEFAULT_ALIGNMENT);
        if (alignment < 1) {
            throw metadata.error("general.alignment", "must be positive, is " + alignment);
        }
        return alignment;
    }

    GgufMetadata metadata() {
        return metadata;
    }

    /** Tensors by ggml's name, in file order. */
    Map<String, GgufTensor> tensors() {
        return tensors;
    }

    /** The tensors' part of the header. */
    private record Infos(String file, HostBytes bytes, int alignment) {
        private record Info(String name, GgufType type, Shape shape, long offset) {}

        Map<String, GgufTensor> read(GgufCursor cursor, long count) {
            List<Info> infos = new ArrayList<>();
            for (long i = 0; i < count; i++) {
                infos.add(info(cursor));
            }
            long begin = (cursor.position() + alignment - 1) / alignment * alignment;
            Map<String, GgufTensor> tensors = new LinkedHashMap<>();
            for (Info info : infos) {
                if (tensors.put(info.name, locate(info, begin)) != null) {
                    throw CheckpointException.ofTensor(file, info.name, "is there twice");
                }
            }
            return tensors;
        }

        private Info info(GgufCursor cursor) {
            String name = cursor.string();
            int rank = cursor.int32();
            if (rank < 1 || rank > MAX_DIMS) {
                throw CheckpointException.ofTensor(
                        file, name, "has " + Integer.toUnsignedString(rank) + " dimensions, expected 1 to " + MAX_DIMS);
            }
            long[] dims = new long[rank];
            for (int i = rank - 1; i >= 0; i--) {
                dims[i] = cursor.int64();
                if (dims[i] < 1) {
                    throw CheckpointException.ofTensor(
                            file, name, "has an extent of " + Long.toUnsignedString(dims[i]));
                }
            }
            int typeId = cursor.int32();
            GgufType type = GgufType.of(typeId);
            if (type == null) {
                throw CheckpointException.ofTensor(
                        file,
                        name,
                        "has type " + GgufType.describe(typeId) + ", which is not supported; supported: "
                                + GgufType.supported());
            }
            return new Info(name, type, shape(name, dims), cursor.int64());
        }

        private Shape shape(String name, long[] dims) {
            try {
                return Shape.of(dims);
            } catch (IllegalArgumentException e) {
                throw new CheckpointException(file, "tensor '" + name + "': " + e.getMessage(), e);
            }
        }

        private GgufTensor locate(Info info, long begin) {
            long cols = info.shape.dim(-1);
            if (cols % info.type.blockElements() != 0) {
                throw CheckpointException.ofTensor(
                        file,
                        info.name,
                        "has rows of " + cols + " elements, not a multiple of " + info.type + "'s "
                                + info.type.blockElements());
            }
            long numBlocks = info.shape.numElements() / info.type.blockElements();
            long available = bytes.sizeBytes() - begin;
            if (info.offset < 0 || info.offset % alignment != 0) {
                throw CheckpointException.ofTensor(
                        file,
                        info.name,
                        "begins at data byte " + Long.toUnsignedString(info.offset) + ", not a multiple of "
                                + alignment);
            }
            if (info.offset > available || numBlocks > (available - info.offset) / info.type.blockBytes()) {
                throw CheckpointException.ofTensor(
                        file,
                        info.name,
                        info.type + " " + info.shape + " from data byte " + info.offset + " is truncated: the file has "
                                + Math.max(0, available) + " data bytes");
            }
            long length = numBlocks * info.type.blockBytes();
            return new GgufTensor(file, info.name, info.type, info.shape, bytes.range(begin + info.offset, length));
        }
    }
}
