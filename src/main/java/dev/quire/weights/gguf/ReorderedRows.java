package dev.quire.weights.gguf;

import dev.quire.tensor.HostBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * The bytes of a matrix with its rows in another order; a slice is copied together when asked for.
 *
 * @param rows rows of rowBytes each
 */
record ReorderedRows(HostBytes rows, long rowBytes, RowOrder order) implements HostBytes {
    @Override
    public long sizeBytes() {
        return rows.sizeBytes();
    }

    @Override
    public ByteBuffer slice(long offset, int length) {
        Objects.checkFromIndexSize(offset, (long) length, sizeBytes());
        HostBytes.checkSliceLength(length);
        ByteBuffer copy = ByteBuffer.allocate(length);
        for (long at = offset; copy.hasRemaining(); ) {
            long inRow = at % rowBytes;
            int count = (int) Math.min(rowBytes - inRow, copy.remaining());
            copy.put(rows.slice(order.inFile((int) (at / rowBytes)) * rowBytes + inRow, count));
            at += count;
        }
        return copy.flip().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }
}
