package dev.quire.weights.gguf;

import dev.quire.weights.CheckpointException;
import dev.quire.weights.ModelFiles;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One model in one GGUF file, or in the files that llama.cpp's {@code gguf-split} made of it: {@code
 * NAME-00001-of-00003.gguf} and so on, the first of which has the metadata.
 *
 * @param metadata of the first file
 * @param tensors of all files by ggml's name
 */
record GgufModel(GgufMetadata metadata, GgufArchitecture architecture, Map<String, GgufTensor> tensors) {
    private static final Pattern SHARD = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

    GgufModel {
        tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    }

    /** Reads the headers; throws {@link CheckpointException}. */
    static GgufModel open(ModelFiles directory, String name) {
        String first = directory.describe(name);
        GgufFile file = GgufFile.read(first, directory.bytes(name));
        GgufArchitecture architecture = GgufArchitecture.of(file.metadata());
        Map<String, GgufTensor> tensors = new LinkedHashMap<>(file.tensors());
        for (String shard : others(file.metadata(), name)) {
            if (!directory.has(shard)) {
                throw new CheckpointException(directory.describe(shard), "is missing, " + first + " is a part of it");
            }
            GgufFile part = GgufFile.read(directory.describe(shard), directory.bytes(shard));
            part.tensors().forEach((key, tensor) -> {
                if (tensors.putIfAbsent(key, tensor) != null) {
                    throw CheckpointException.ofTensor(tensor.file(), key, "is in another file of the model too");
                }
            });
        }
        int expected = file.metadata().integer("split.tensors.count", tensors.size());
        if (expected != tensors.size()) {
            throw new CheckpointException(
                    first, "its files have " + tensors.size() + " tensors together, expected " + expected);
        }
        return new GgufModel(file.metadata(), architecture, tensors);
    }

    /** The files behind the first one. */
    private static List<String> others(GgufMetadata metadata, String name) {
        int count = metadata.integer("split.count", 1);
        List<String> names = new ArrayList<>();
        if (count <= 1) {
            return names;
        }
        Matcher matcher = SHARD.matcher(name);
        if (!matcher.matches() || Integer.parseInt(matcher.group(3)) != count) {
            throw metadata.error(
                    "split.count",
                    "is " + count + ": the file must be called NAME-00001-of-"
                            + String.format(Locale.ROOT, "%05d", count) + ".gguf");
        }
        if (metadata.integer("split.no", 0) != 0) {
            throw metadata.error("split.no", "is not 0: name the model's first file, " + firstShard(name));
        }
        for (int i = 2; i <= count; i++) {
            names.add(String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", matcher.group(1), i, count));
        }
        return names;
    }

    /** The first of the files that a file belongs to: mostly itself. */
    static String firstShard(String name) {
        Matcher matcher = SHARD.matcher(name);
        return matcher.matches() ? matcher.group(1) + "-00001-of-" + matcher.group(3) + ".gguf" : name;
    }

    /** A metadata key of the architecture. */
    String key(String name) {
        return architecture.prefix() + "." + name;
    }

    /** A tensor of the file; throws {@link CheckpointException} naming it when there is none. */
    GgufTensor tensor(String name) {
        GgufTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw CheckpointException.ofTensor(
                    metadata.file(), name, "is missing, the file has " + tensors.size() + " tensors");
        }
        return tensor;
    }

    /** Width of a head. */
    int headDim() {
        int heads = metadata.integer(key("attention.head_count"));
        int width = metadata.integer(key("embedding_length")) / Math.max(1, heads);
        // Files older than the key have it as the width of the rotation where a whole head is rotated.
        int rotated = architecture.permutesQueryAndKey() ? metadata.integer(key("rope.dimension_count"), width) : width;
        return metadata.integer(key("attention.key_length"), rotated);
    }
}
