package dev.quire.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/** Read-only host memory of any length, seen through little-endian slices; safe for any thread. */
public interface HostBytes {
    /** The longest slice every implementation gives in one piece: 1 GiB. */
    int MAX_SLICE_BYTES = 1 << 30;

    /** Length in bytes. */
    long sizeBytes();

    /**
     * A read-only little-endian view, position 0, limit {@code length}, of the bytes from {@code offset}; no copy where the
     * bytes are in memory or mapped.
     *
     * @throws IndexOutOfBoundsException when the range is not inside
     * @throws IllegalArgumentException when {@code length} is more than {@link #MAX_SLICE_BYTES}
     */
    ByteBuffer slice(long offset, int length);

    /**
     * Copies {@code numRuns} runs of {@code runBytes}, each {@code strideBytes} after the one before, from {@code offset}: a
     * rectangle of a matrix. Bytes in memory or mapped are reached without a view of each run.
     */
    default void copyRuns(long offset, long strideBytes, int runBytes, int numRuns, byte[] dst, int at) {
        for (int run = 0; run < numRuns; run++) {
            slice(offset + run * strideBytes, runBytes).get(dst, at + run * runBytes, runBytes);
        }
    }

    /** For implementations whose slices copy nothing: {@link #copyRuns} through one slice. */
    static void copyRunsOfSlice(
            HostBytes bytes, long offset, long strideBytes, int runBytes, int numRuns, byte[] dst, int at) {
        long length = numRuns == 0 ? 0 : (numRuns - 1) * strideBytes + runBytes;
        int perSlice = length <= MAX_SLICE_BYTES ? numRuns : (int) Math.max(1, MAX_SLICE_BYTES / strideBytes);
        for (int done = 0; done < numRuns; done += perSlice) {
            int count = Math.min(perSlice, numRuns - done);
            ByteBuffer slice = bytes.slice(offset + done * strideBytes, (int) ((count - 1) * strideBytes) + runBytes);
            for (int run = 0; run < count; run++) {
                slice.get((int) (run * strideBytes), dst, at + (done + run) * runBytes, runBytes);
            }
        }
    }

    /** The part of these bytes from {@code offset}, {@code length} long, of any length. */
    default HostBytes range(long offset, long length) {
        Objects.checkFromIndexSize(offset, length, sizeBytes());
        HostBytes whole = this;
        return new HostBytes() {
            @Override
            public long sizeBytes() {
                return length;
            }

            @Override
            public ByteBuffer slice(long start, int count) {
                Objects.checkFromIndexSize(start, (long) count, length);
                return whole.slice(offset + start, count);
            }

            @Override
            public void copyRuns(long start, long strideBytes, int runBytes, int numRuns, byte[] dst, int at) {
                whole.copyRuns(offset + start, strideBytes, runBytes, numRuns, dst, at);
            }
        };
    }

    /** The remaining bytes of a buffer, not copied: the caller no longer writes to it. */
    static HostBytes of(ByteBuffer buffer) {
        ByteBuffer bytes = buffer.slice().asReadOnlyBuffer();
        return new HostBytes() {
            @Override
            public long sizeBytes() {
                return bytes.capacity();
            }

            @Override
            public ByteBuffer slice(long offset, int length) {
                Objects.checkFromIndexSize(offset, (long) length, sizeBytes());
                checkSliceLength(length);
                return bytes.slice((int) offset, length).order(ByteOrder.LITTLE_ENDIAN);
            }

            @Override
            public void copyRuns(long offset, long strideBytes, int runBytes, int numRuns, byte[] dst, int at) {
                copyRunsOfSlice(this, offset, strideBytes, runBytes, numRuns, dst, at);
            }
        };
    }

    /** For implementations: throws IllegalArgumentException when a slice would be longer than allowed. */
    static void checkSliceLength(int length) {
        if (length > MAX_SLICE_BYTES) {
            throw new IllegalArgumentException("slice of " + length + " bytes, at most " + MAX_SLICE_BYTES);
        }
    }
}
