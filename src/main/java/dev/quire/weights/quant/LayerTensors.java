package dev.quire.weights.quant;

import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Shape;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.CheckpointException;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongToDoubleFunction;

/** The tensors of one layer, found under its name and checked; every method throws {@link CheckpointException}. */
record LayerTensors(Checkpoint checkpoint, String prefix) {
    /** Deviation that dummy weights should have, as trained ones do. */
    private static final double DEVIATION = 0.02;

    /** Types of scales, the one that a dummy checkpoint makes first. */
    static final List<DType> SCALE_TYPES = List.of(DType.F32, DType.BF16, DType.F16);

    boolean has(String suffix) {
        return checkpoint.has(name(suffix));
    }

    /** A tensor of codes, of any bits in a dummy checkpoint. */
    HostTensor codes(String suffix, DType type, long... dims) {
        return checked(suffix, checkpoint.tensor(name(suffix), Shape.of(dims), type), List.of(type));
    }

    /** A tensor of integers. */
    HostTensor integers(String suffix, DType type, LongToDoubleFunction dummy, long... dims) {
        return checked(suffix, checkpoint.tensor(name(suffix), Shape.of(dims), type, dummy), List.of(type));
    }

    /** A tensor of scales of these types, the first in a dummy checkpoint. */
    HostTensor scales(String suffix, List<DType> types, double dummy, long... dims) {
        HostTensor tensor = checkpoint.tensor(name(suffix), Shape.of(dims), types.get(0), i -> dummy);
        return checked(suffix, tensor, types);
    }

    /** As {@link #scales}; a writer may have left out dimensions of extent 1, or added some. */
    HostTensor scalesOfAnyRank(String suffix, List<DType> types, double dummy, long... dims) {
        if (has(suffix)) {
            HostTensor found = checkpoint.tensor(name(suffix));
            if (Arrays.equals(withoutOnes(found.shape().toArray()), withoutOnes(dims))) {
                return checked(
                        suffix, new HostTensor(found.name(), found.dtype(), Shape.of(dims), found.bytes()), types);
            }
        }
        return scales(suffix, types, dummy, dims);
    }

    private static long[] withoutOnes(long[] dims) {
        return Arrays.stream(dims).filter(dim -> dim != 1).toArray();
    }

    /** The one element of a scale, which must be positive and finite. */
    float scale(String suffix, double dummy) {
        float value = scalesOfAnyRank(suffix, SCALE_TYPES, dummy, 1).toFloats()[0];
        if (!(value > 0 && value < Float.POSITIVE_INFINITY)) {
            throw fault(suffix, "is " + value + ", expected a positive scale");
        }
        return value;
    }

    /** The one element of an integer tensor of 1, 4 or 8 bytes. */
    int integer(String suffix, DType dummyType, int dummy) {
        HostTensor found = has(suffix)
                ? checkpoint.tensor(name(suffix))
                : checkpoint.tensor(name(suffix), Shape.of(1), dummyType, i -> dummy);
        checked(suffix, found, List.of(DType.I8, DType.I32, DType.I64));
        if (found.numElements() != 1) {
            throw fault(suffix, "has shape " + found.shape() + ", expected one element");
        }
        // Little-endian: the lowest byte holds an 8-bit value of any of these types.
        byte[] lowest = new byte[1];
        found.copyTo(0, lowest, 0, 1);
        return lowest[0];
    }

    /** The scale that gives uniform codes of so many bits the deviation of trained weights. */
    static double dummyScale(int numBits) {
        return DEVIATION / (Math.pow(2, numBits) / Math.sqrt(12));
    }

    CheckpointException fault(String suffix, String problem) {
        return CheckpointException.ofTensor(checkpoint.files().location(), name(suffix), problem);
    }

    private HostTensor checked(String suffix, HostTensor tensor, List<DType> allowed) {
        if (!allowed.contains(tensor.dtype())) {
            throw fault(
                    suffix,
                    "has type " + tensor.dtype() + ", expected "
                            + (allowed.size() == 1
                                    ? allowed.get(0).toString()
                                    : "one of " + Arrays.toString(allowed.toArray())));
        }
        return tensor;
    }

    private String name(String suffix) {
        return prefix + "." + suffix;
    }
}
