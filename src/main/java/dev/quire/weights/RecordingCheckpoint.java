package dev.quire.weights;

import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Shape;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.LongToDoubleFunction;

/**
 * A dummy checkpoint that remembers what a model asked it for: the tensors which a checkpoint of that model consists of.
 */
public final class RecordingCheckpoint implements Checkpoint {
    private final Checkpoint dummy;
    private final Map<String, HostTensor> tensors = new LinkedHashMap<>();

    private RecordingCheckpoint(Checkpoint dummy) {
        this.dummy = dummy;
    }

    /** As {@link Checkpoint#dummy}. */
    public static RecordingCheckpoint of(ModelFiles files, long seed) {
        return new RecordingCheckpoint(Checkpoint.dummy(files, seed));
    }

    /** What was asked for, in order. */
    public Collection<HostTensor> tensors() {
        return Collections.unmodifiableCollection(tensors.values());
    }

    @Override
    public ModelFiles files() {
        return dummy.files();
    }

    @Override
    public Set<String> names() {
        return dummy.names();
    }

    /** True for what all writers put into their files, though readers can do without. */
    @Override
    public boolean has(String name) {
        return name.endsWith(".weight_shape") || name.endsWith(".g_idx");
    }

    @Override
    public HostTensor tensor(String name) {
        return dummy.tensor(name);
    }

    @Override
    public HostTensor tensor(String name, Shape expected, DType preferred) {
        return remember(dummy.tensor(name, expected, preferred));
    }

    @Override
    public HostTensor tensor(String name, Shape expected, DType preferred, LongToDoubleFunction values) {
        return remember(dummy.tensor(name, expected, preferred, values));
    }

    private HostTensor remember(HostTensor tensor) {
        tensors.put(tensor.name(), tensor);
        return tensor;
    }

    @Override
    public long totalBytes() {
        return tensors.values().stream().mapToLong(HostTensor::sizeBytes).sum();
    }

    @Override
    public void close() {
        tensors.clear();
    }
}
