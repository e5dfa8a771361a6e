package dev.quire.kernel.cuda;

import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import org.jspecify.annotations.Nullable;

/** A pinned block and a device block of the same size, for copies either way; both grow on demand. */
final class TransferMemory implements AutoCloseable {
    private final String name;
    private final CudaStream stream;
    private @Nullable PinnedMemory pinned;
    private @Nullable DeviceMemory device;
    private @Nullable IntBuffer ints;
    private long numBytes;

    TransferMemory(String name, CudaStream stream) {
        this.name = name;
        this.stream = stream;
    }

    /** At least so many bytes, whose contents mean nothing after growth. */
    void reserve(long needed) {
        if (needed <= numBytes) {
            return;
        }
        close();
        long size = Math.max(needed, Math.min(2 * needed, 1 << 20));
        pinned = new PinnedMemory(name, size);
        device = DeviceMemory.allocate(name, size);
        ints = pinned.bytes().asIntBuffer();
        numBytes = size;
    }

    ByteBuffer bytes() {
        return pinned.bytes();
    }

    /** The same as words. */
    IntBuffer ints() {
        return ints;
    }

    long deviceAddress() {
        return device.address();
    }

    void toDevice(long count) {
        stream.copy(device.address(), pinned.address(), count);
    }

    void toHost(long count) {
        stream.copy(pinned.address(), device.address(), count);
    }

    @Override
    public void close() {
        if (pinned != null) {
            // What was called before may still use it.
            stream.synchronize();
            pinned.close();
            device.close();
            pinned = null;
            device = null;
            numBytes = 0;
        }
    }
}
