package dev.quire.kernel.cpu;

import dev.quire.tensor.Arena;
import dev.quire.tensor.DType;
import dev.quire.tensor.OutOfDeviceMemoryException;
import dev.quire.tensor.Shape;
import dev.quire.tensor.Storage;
import dev.quire.tensor.Tensor;

/** Tensors in Java heap arrays. Closing it ends the accounting; the arrays go when the last tensor does. */
final class CpuArena implements Arena {
    private final HeapBudget budget;
    private long allocatedBytes;
    private boolean closed;

    CpuArena(HeapBudget budget) {
        this.budget = budget;
    }

    @Override
    public Tensor allocate(String name, DType dtype, long... dims) {
        if (closed) {
            throw new IllegalStateException("arena is closed, cannot allocate " + name);
        }
        Shape shape = Shape.of(dims);
        long numBytes = Math.multiplyExact(shape.numElements(), (long) dtype.sizeBytes());
        if (shape.numElements() > Integer.MAX_VALUE - 8) {
            throw new OutOfDeviceMemoryException(
                    name + " " + dtype + shape + " has more elements than an array holds: split it");
        }
        budget.require(name + " " + dtype + shape, numBytes);
        Tensor tensor = new Tensor(dtype, shape, storage(dtype, (int) shape.numElements()));
        allocatedBytes += numBytes;
        return tensor;
    }

    private static Storage storage(DType dtype, int length) {
        return switch (dtype) {
            case F32 -> new Storage.Floats(new float[length]);
            case F16, BF16, I16, U16 -> new Storage.Shorts(new short[length]);
            case I32, U32 -> new Storage.Ints(new int[length]);
            case F64, I64, U64 -> throw new IllegalArgumentException("no array storage for " + dtype);
            default -> new Storage.Bytes(new byte[length]);
        };
    }

    @Override
    public long allocatedBytes() {
        return allocatedBytes;
    }

    @Override
    public void close() {
        closed = true;
        allocatedBytes = 0;
    }
}
