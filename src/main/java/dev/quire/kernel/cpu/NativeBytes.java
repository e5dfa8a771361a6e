package dev.quire.kernel.cpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** Memory outside the Java heap, whole cache lines, until {@link #close}. Its content is undefined at first. */
final class NativeBytes implements AutoCloseable {
    private static final int ALIGNMENT = 64;

    private final Pointer allocated;
    private final long numBytes;
    private final long padding;

    NativeBytes(long numBytes) {
        this.numBytes = numBytes;
        // malloc itself: JavaCPP's constructors count towards a limit that follows the size of the heap.
        allocated = Pointer.malloc(numBytes + ALIGNMENT);
        if (allocated == null || allocated.isNull()) {
            throw new OutOfMemoryError(numBytes + " bytes outside the Java heap");
        }
        padding = -allocated.address() & (ALIGNMENT - 1);
    }

    long address() {
        return allocated.address() + padding;
    }

    long numBytes() {
        return numBytes;
    }

    /** All of up to 2 GiB, in the machine's byte order. */
    ByteBuffer view() {
        return view(0, numBytes);
    }

    /** Bytes [from, from + length), length up to 2 GiB, in the machine's byte order. */
    ByteBuffer view(long from, long length) {
        BytePointer bytes = new BytePointer(new NativeAddress().at(address() + from));
        bytes.capacity(length);
        return bytes.asByteBuffer().order(ByteOrder.nativeOrder());
    }

    @Override
    public void close() {
        Pointer.free(allocated);
    }
}
