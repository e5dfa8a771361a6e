package dev.quire.weights;

import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A checkpoint of one {@code model.safetensors}, or of the shards of {@code model.safetensors.index.json}. */
final class SafetensorsCheckpoint implements Checkpoint {
    static final String SINGLE = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";

    private record Located(String file, HostTensor tensor) {}

    private final ModelFiles files;
    private final Map<String, Located> tensors = new LinkedHashMap<>();
    private long totalBytes;

    private SafetensorsCheckpoint(ModelFiles files) {
        this.files = files;
    }

    static SafetensorsCheckpoint open(ModelFiles files) {
        SafetensorsCheckpoint checkpoint = new SafetensorsCheckpoint(files);
        if (files.has(INDEX)) {
            checkpoint.addIndexed();
        } else {
            singleOrUnindexed(files).forEach(checkpoint::add);
        }
        return checkpoint;
    }

    /** Without an index: the one file of the usual name, or every safetensors file there is. */
    private static List<String> singleOrUnindexed(ModelFiles files) {
        if (files.has(SINGLE)) {
            return List.of(SINGLE);
        }
        List<String> found = new ArrayList<>();
        String other = "";
        for (String name : files.list()) {
            if (name.endsWith(".safetensors")) {
                found.add(name);
            } else if (name.endsWith(".bin") || name.endsWith(".pth") || name.endsWith(".pt")) {
                other = " (" + name + " is a pickle, which is not read: convert it to safetensors)";
            }
        }
        if (found.isEmpty()) {
            throw new CheckpointException(files.location(), "no " + SINGLE + " and no " + INDEX + other);
        }
        return found;
    }

    private void addIndexed() {
        ConfigJson index = ConfigJson.read(files, INDEX);
        Map<String, String> weightMap = index.object("weight_map").strings();
        Set<String> shards = new LinkedHashSet<>(weightMap.values());
        Map<String, String> checkedOnce = new HashMap<>();
        for (String shard : shards) {
            ModelFiles.checkName(files.describe(INDEX), shard);
            if (!files.has(shard)) {
                throw new CheckpointException(files.describe(shard), "shard is missing, " + INDEX + " names it");
            }
            checkedOnce.put(shard, files.describe(shard));
            add(shard);
        }
        weightMap.forEach((name, shard) -> {
            String file = checkedOnce.get(shard);
            Located located = tensors.get(name);
            if (located == null || !located.file.equals(file)) {
                throw CheckpointException.ofTensor(
                        String.valueOf(file), name, "is not in this shard, " + INDEX + " says so");
            }
        });
    }

    private void add(String shard) {
        String path = files.describe(shard);
        SafetensorsFile file = SafetensorsFile.read(path, files.bytes(shard));
        file.tensors().forEach((name, tensor) -> {
            Located before = tensors.put(name, new Located(path, tensor));
            if (before != null) {
                throw CheckpointException.ofTensor(path, name, "is in " + before.file + " too");
            }
        });
        totalBytes += file.dataBytes();
    }

    @Override
    public ModelFiles files() {
        return files;
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(tensors.keySet());
    }

    @Override
    public boolean has(String name) {
        return tensors.containsKey(name);
    }

    @Override
    public HostTensor tensor(String name) {
        return located(name).tensor;
    }

    @Override
    public HostTensor tensor(String name, Shape expected, DType preferred) {
        Located located = located(name);
        if (!located.tensor.shape().equals(expected)) {
            throw CheckpointException.ofTensor(
                    located.file, name, "has shape " + located.tensor.shape() + ", expected " + expected);
        }
        return located.tensor;
    }

    private Located located(String name) {
        @Nullable Located located = tensors.get(name);
        if (located == null) {
            throw CheckpointException.ofTensor(
                    files.location(), name, "is missing, the checkpoint has " + tensors.size() + " tensors");
        }
        return located;
    }

    @Override
    public long totalBytes() {
        return totalBytes;
    }

    /** Lets go of the mappings; the JVM unmaps them when no tensor view is reachable. */
    @Override
    public void close() {
        tensors.clear();
    }
}
