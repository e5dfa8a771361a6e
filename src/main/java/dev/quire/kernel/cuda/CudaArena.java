package dev.quire.kernel.cuda;

import dev.quire.tensor.Arena;
import dev.quire.tensor.DType;
import dev.quire.tensor.Shape;
import dev.quire.tensor.Storage;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Tensors on the device, one allocation each, zeroed. */
final class CudaArena implements Arena {
    private final CudaStream stream;
    private final List<DeviceMemory> memory = new ArrayList<>();
    private long allocatedBytes;

    CudaArena(CudaStream stream) {
        this.stream = stream;
    }

    @Override
    public Tensor allocate(String name, DType dtype, long... dims) {
        Shape shape = Shape.of(dims);
        long numBytes = Math.multiplyExact(shape.numElements(), (long) dtype.sizeBytes());
        DeviceMemory block = DeviceMemory.allocate(name + " " + dtype + " " + shape, numBytes);
        memory.add(block);
        allocatedBytes += numBytes;
        stream.fill(block.address(), 0, numBytes);
        // Uploads run on streams of their own: they must not be overtaken by the zeros.
        stream.synchronize();
        return new Tensor(dtype, shape, new Storage.Device(block.address(), numBytes));
    }

    /** Where a tensor's first element is. */
    static long address(Tensor tensor) {
        if (tensor.storage() instanceof Storage.Device device) {
            return device.address() + tensor.offset() * tensor.dtype().sizeBytes();
        }
        throw new IllegalStateException("expected device storage, found " + tensor);
    }

    @Override
    public long allocatedBytes() {
        return allocatedBytes;
    }

    @Override
    public void close() {
        memory.forEach(DeviceMemory::close);
        memory.clear();
    }
}
