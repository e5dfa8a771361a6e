package dev.quire.kernel.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** Host memory that the device copies from and to by itself, at most 2 GiB. */
final class PinnedMemory implements AutoCloseable {
    private final Pointer pointer = new Pointer();
    private final ByteBuffer bytes;

    PinnedMemory(String name, long numBytes) {
        int size = Math.toIntExact(Math.max(1, numBytes));
        Cuda.check(
                cudart.cudaHostAlloc(pointer, size, cudart.cudaHostAllocPortable),
                "pinning " + size + " bytes of host memory for " + name);
        bytes = new BytePointer(pointer).capacity(size).asByteBuffer().order(ByteOrder.nativeOrder());
    }

    long address() {
        return pointer.address();
    }

    /** The whole memory, position 0; a view of its own for each caller is up to the caller. */
    ByteBuffer bytes() {
        return bytes;
    }

    @Override
    public void close() {
        cudart.cudaFreeHost(pointer);
    }
}
