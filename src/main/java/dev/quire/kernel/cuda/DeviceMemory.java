package dev.quire.kernel.cuda;

import dev.quire.tensor.OutOfDeviceMemoryException;
import java.util.Locale;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.SizeTPointer;

/** One allocation on the device. */
final class DeviceMemory implements AutoCloseable {
    private final long address;
    private final long numBytes;
    private boolean closed;

    private DeviceMemory(long address, long numBytes) {
        this.address = address;
        this.numBytes = numBytes;
    }

    /**
     * @param name shown in the error
     * @throws OutOfDeviceMemoryException naming the bytes asked and free
     */
    static DeviceMemory allocate(String name, long numBytes) {
        Pointer pointer = new Pointer();
        int code = cudart.cudaMalloc(pointer, Math.max(1, numBytes));
        if (code == CudaException.OUT_OF_MEMORY) {
            // The error is remembered until it is read: later calls must not report it again.
            cudart.cudaGetLastError();
            throw new OutOfDeviceMemoryException(String.format(
                    Locale.ROOT, "%s needs %,d bytes on the GPU, %,d are free", name, numBytes, freeBytes()));
        }
        Cuda.check(code, "allocation of " + numBytes + " bytes for " + name);
        return new DeviceMemory(pointer.address(), numBytes);
    }

    /** Bytes that no allocation of any process holds. */
    static long freeBytes() {
        return info()[0];
    }

    /** Free and total bytes of the device. */
    static long[] info() {
        try (SizeTPointer free = new SizeTPointer(1);
                SizeTPointer total = new SizeTPointer(1)) {
            Cuda.check(cudart.cudaMemGetInfo(free, total), "cudaMemGetInfo");
            return new long[] {free.get(), total.get()};
        }
    }

    long address() {
        return address;
    }

    long numBytes() {
        return numBytes;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            cudart.cudaFree(new Address(address));
        }
    }
}
