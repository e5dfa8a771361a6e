package dev.quire.weights.gguf;

import dev.quire.tensor.DType;
import dev.quire.tensor.HostBytes;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import dev.quire.tensor.Shape;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.CheckpointException;
import dev.quire.weights.ModelFiles;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A GGUF file's tensors by Hugging Face's names and with Hugging Face's values: rows of queries and keys in its order, norms
 * without the one that llama.cpp's converter added.
 */
final class GgufCheckpoint implements Checkpoint {
    private final ModelFiles files;
    private final GgufModel model;
    private final int headDim;
    private final Map<String, GgufTensor> tensors = new LinkedHashMap<>();
    private long totalBytes;

    GgufCheckpoint(ModelFiles files, GgufModel model) {
        this.files = files;
        this.model = model;
        headDim = model.headDim();
        for (GgufTensor tensor : model.tensors().values()) {
            String name = tensor.name();
            int part = name.lastIndexOf(".ffn_up.");
            boolean fused = part > 0 && !model.tensors().containsKey(name.substring(0, part) + ".ffn_gate.weight");
            tensors.put(model.architecture().huggingFaceName(name, fused), tensor);
            totalBytes += tensor.bytes().sizeBytes();
        }
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
        GgufTensor tensor = located(name);
        if (!tensor.type().isPlain()) {
            throw CheckpointException.ofTensor(
                    tensor.file(), tensor.name(), "has type " + tensor.type() + ", expected F32, F16 or BF16");
        }
        if (model.architecture().addsOneToNorms() && name.endsWith("norm.weight")) {
            return withoutOne(tensor.plain(name));
        }
        RowOrder order = order(tensor);
        if (order.isAsItIs()) {
            return tensor.plain(name);
        }
        long rowBytes = tensor.shape().rank() == 1 ? tensor.type().blockBytes() : tensor.rowBytes();
        return new HostTensor(
                name, tensor.type().dtype(), tensor.shape(), new ReorderedRows(tensor.bytes(), rowBytes, order));
    }

    @Override
    public HostTensor tensor(String name, Shape expected, DType preferred) {
        check(located(name), expected);
        return tensor(name);
    }

    @Override
    public Optional<QuantizedMatrix> quantized(String layer, int numRows, int numCols) {
        GgufTensor tensor = tensors.get(layer + ".weight");
        if (tensor == null || tensor.type().isPlain()) {
            return Optional.empty();
        }
        check(tensor, Shape.of(numRows, numCols));
        return Optional.of(new GgufMatrix(layer, tensor, order(tensor)));
    }

    private static void check(GgufTensor tensor, Shape expected) {
        if (!tensor.shape().equals(expected)) {
            throw CheckpointException.ofTensor(
                    tensor.file(), tensor.name(), "has shape " + tensor.shape() + ", expected " + expected);
        }
    }

    private RowOrder order(GgufTensor tensor) {
        boolean rotated = tensor.name().contains(".attn_q.") || tensor.name().contains(".attn_k.");
        if (!rotated || !model.architecture().permutesQueryAndKey()) {
            return RowOrder.AS_IT_IS;
        }
        if (headDim < 2 || headDim % 2 != 0 || tensor.shape().dim(0) % headDim != 0) {
            throw CheckpointException.ofTensor(
                    tensor.file(), tensor.name(), "has " + tensor.shape().dim(0) + " rows, not heads of " + headDim);
        }
        return new RowOrder(headDim);
    }

    private static HostTensor withoutOne(HostTensor tensor) {
        float[] values = tensor.toFloats();
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putFloat(value - 1);
        }
        return new HostTensor(tensor.name(), DType.F32, tensor.shape(), HostBytes.of(bytes.flip()));
    }

    private GgufTensor located(String name) {
        GgufTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw CheckpointException.ofTensor(
                    files.location(), name, "is missing, the checkpoint has " + tensors.size() + " tensors");
        }
        return tensor;
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
