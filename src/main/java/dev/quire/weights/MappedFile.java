package dev.quire.weights;

import dev.quire.tensor.HostBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;

/**
 * A memory-mapped file of any length. One mapping is limited to 2 GiB, so windows of up to 2 GiB begin at every GiB: they
 * overlap, and every slice of up to 1 GiB lies whole in one of them. The JVM unmaps when no view is reachable any more.
 */
final class MappedFile implements HostBytes {
    private static final int WINDOW_SHIFT = 30;

    private final MappedByteBuffer[] windows;
    private final long sizeBytes;

    private MappedFile(MappedByteBuffer[] windows, long sizeBytes) {
        this.windows = windows;
        this.sizeBytes = sizeBytes;
    }

    static MappedFile open(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            long size = channel.size();
            int numWindows = Math.max(1, (int) ((size + MAX_SLICE_BYTES - 1) >>> WINDOW_SHIFT));
            MappedByteBuffer[] windows = new MappedByteBuffer[numWindows];
            for (int i = 0; i < numWindows; i++) {
                long start = (long) i << WINDOW_SHIFT;
                long length = Math.min(size - start, Integer.MAX_VALUE);
                windows[i] = channel.map(FileChannel.MapMode.READ_ONLY, start, length);
            }
            return new MappedFile(windows, size);
        }
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public ByteBuffer slice(long offset, int length) {
        Objects.checkFromIndexSize(offset, (long) length, sizeBytes);
        HostBytes.checkSliceLength(length);
        // An empty slice at the very end belongs to the last window.
        int window = Math.min((int) (offset >>> WINDOW_SHIFT), windows.length - 1);
        int start = (int) (offset - ((long) window << WINDOW_SHIFT));
        return windows[window].slice(start, length).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public void copyRuns(long offset, long strideBytes, int runBytes, int numRuns, byte[] dst, int at) {
        HostBytes.copyRunsOfSlice(this, offset, strideBytes, runBytes, numRuns, dst, at);
    }
}
