package dev.quire.weights.gguf;

import dev.quire.tensor.HostBytes;
import dev.quire.weights.CheckpointException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Reads a GGUF header from front to back; never beyond the end of the file, which is a {@link CheckpointException}. */
final class GgufCursor {
    private final String file;
    private final HostBytes bytes;
    private long position;

    GgufCursor(String file, HostBytes bytes, long position) {
        this.file = file;
        this.bytes = bytes;
        this.position = position;
    }

    long position() {
        return position;
    }

    long remaining() {
        return bytes.sizeBytes() - position;
    }

    byte int8() {
        return take(1).get();
    }

    short int16() {
        return take(2).getShort();
    }

    int int32() {
        return take(4).getInt();
    }

    long int64() {
        return take(8).getLong();
    }

    float float32() {
        return take(4).getFloat();
    }

    double float64() {
        return take(8).getDouble();
    }

    /** How many of something follow, each of at least {@code minBytes}: a number that cannot fit is a broken file. */
    long count(String what, int minBytes) {
        long count = int64();
        if (count < 0 || count > remaining() / minBytes) {
            throw new CheckpointException(
                    file,
                    "truncated or broken: " + Long.toUnsignedString(count) + " " + what + " at byte " + position
                            + ", only " + remaining() + " bytes follow");
        }
        return count;
    }

    String string() {
        int length = stringLength();
        byte[] text = new byte[length];
        take(length).get(text);
        return new String(text, StandardCharsets.UTF_8);
    }

    void skipString() {
        skip(stringLength());
    }

    void skip(long count) {
        require(count);
        position += count;
    }

    private int stringLength() {
        long length = count("bytes of text", 1);
        if (length > HostBytes.MAX_SLICE_BYTES) {
            throw new CheckpointException(file, "broken: a text of " + length + " bytes at byte " + position);
        }
        return (int) length;
    }

    private ByteBuffer take(int count) {
        require(count);
        ByteBuffer slice = bytes.slice(position, count);
        position += count;
        return slice;
    }

    private void require(long count) {
        if (count > remaining()) {
            throw new CheckpointException(
                    file,
                    "truncated: " + count + " bytes expected at byte " + position + ", the file has "
                            + bytes.sizeBytes());
        }
    }
}
