package dev.quire.weights;

import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import dev.quire.tensor.Shape;
import dev.quire.weights.gguf.GgufFiles;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongToDoubleFunction;

/** The tensors of one model by name; what it hands out is valid until {@link #close}. */
public interface Checkpoint extends AutoCloseable {
    /** The files it was opened from, for config.json and the like. */
    ModelFiles files();

    /** Names of all tensors it holds; empty for a dummy checkpoint. */
    Set<String> names();

    /** Whether it holds this tensor; false for every name of a dummy checkpoint, so optional tensors stay absent. */
    boolean has(String name);

    /** The tensor of this name; throws {@link CheckpointException} naming file and tensor when there is none. */
    HostTensor tensor(String name);

    /**
     * The tensor of this name, which must have this shape.
     *
     * @param preferred the type a dummy checkpoint makes; a real one returns the type it has
     * @throws CheckpointException naming file, tensor, expected and found shape
     */
    HostTensor tensor(String name, Shape expected, DType preferred);

    /**
     * The matrix [numRows, numCols] of a layer that the checkpoint's own format stores in codes, as GGUF does; empty for all
     * others, which {@link #tensor} hands out.
     *
     * @param layer the layer's name, such as {@code model.layers.0.mlp.down_proj}
     * @throws CheckpointException naming file, tensor, expected and found shape
     */
    default Optional<QuantizedMatrix> quantized(String layer, int numRows, int numCols) {
        return Optional.empty();
    }

    /**
     * As {@link #tensor(String, Shape, DType)}, for tensors that noise would spoil.
     *
     * @param dummy the elements that a dummy checkpoint makes, by flat index
     */
    default HostTensor tensor(String name, Shape expected, DType preferred, LongToDoubleFunction dummy) {
        return tensor(name, expected, preferred);
    }

    /** Bytes of all tensors; for a dummy checkpoint of those asked for until now. */
    long totalBytes();

    @Override
    void close();

    /** Opens the checkpoint among a model's files and checks it; throws {@link CheckpointException}. */
    static Checkpoint open(ModelFiles files) {
        return files instanceof GgufFiles gguf ? gguf.checkpoint() : SafetensorsCheckpoint.open(files);
    }

    /** Random weights of whatever shape is asked for, the same for the same seed; only the configuration is read. */
    static Checkpoint dummy(ModelFiles files, long seed) {
        return new DummyCheckpoint(files, seed);
    }
}
