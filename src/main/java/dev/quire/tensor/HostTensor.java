package dev.quire.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * A named tensor in host memory, row-major, read-only; it owns nothing and is valid while its checkpoint is open.
 *
 * @param name the checkpoint's name for it
 * @param dtype element type
 * @param shape extents, outermost first
 * @param bytes exactly {@code shape.numElements() * dtype.sizeBytes()} bytes, little-endian
 */
public record HostTensor(String name, DType dtype, Shape shape, HostBytes bytes) {
    private static final int CHUNK_ELEMENTS = 8192;

    /** Throws IllegalArgumentException when the number of bytes does not match type and shape. */
    public HostTensor {
        long expected = Math.multiplyExact(shape.numElements(), (long) dtype.sizeBytes());
        if (bytes.sizeBytes() != expected) {
            throw new IllegalArgumentException("tensor " + name + " " + dtype + " " + shape + " needs " + expected
                    + " bytes, found " + bytes.sizeBytes());
        }
    }

    /** Number of elements. */
    public long numElements() {
        return shape.numElements();
    }

    /** Number of bytes. */
    public long sizeBytes() {
        return bytes.sizeBytes();
    }

    /** A read-only little-endian view of {@code length} bytes from byte {@code offset}; see {@link HostBytes#slice}. */
    public ByteBuffer slice(long offset, int length) {
        return bytes.slice(offset, length);
    }

    /** The sub-tensor of {@code count} rows of dimension 0 from row {@code first}; shares the bytes. */
    public HostTensor rows(long first, long count) {
        Objects.checkFromIndexSize(first, count, shape.dim(0));
        long[] dims = shape.toArray();
        long rowBytes = dims[0] == 0 ? 0 : sizeBytes() / dims[0];
        dims[0] = count;
        return new HostTensor(name, dtype, Shape.of(dims), bytes.range(first * rowBytes, count * rowBytes));
    }

    /**
     * Converts {@code count} elements, from flat index {@code srcElement}, to float.
     *
     * @throws IllegalArgumentException when the type is not floating-point
     */
    public void copyTo(long srcElement, float[] dst, int dstOffset, int count) {
        Objects.checkFromIndexSize(srcElement, (long) count, numElements());
        Objects.checkFromIndexSize(dstOffset, count, dst.length);
        if (dtype == DType.F32) {
            for (int done = 0; done < count; ) {
                int n = Math.min(count - done, HostBytes.MAX_SLICE_BYTES / 4);
                slice((srcElement + done) * 4, n * 4).asFloatBuffer().get(dst, dstOffset + done, n);
                done += n;
            }
            return;
        }
        switch (dtype.sizeBytes()) {
            case 8:
                doublesToFloats(srcElement, dst, dstOffset, count);
                break;
            case 2:
                shortsToFloats(srcElement, dst, dstOffset, count);
                break;
            default:
                bytesToFloats(srcElement, dst, dstOffset, count);
                break;
        }
    }

    /** All elements as floats; throws ArithmeticException when there are more than an array holds. */
    public float[] toFloats() {
        float[] values = new float[Math.toIntExact(numElements())];
        copyTo(0, values, 0, values.length);
        return values;
    }

    /** Copies {@code count} elements of a 2-byte type, bits as they are, from flat index {@code srcElement}. */
    public void copyTo(long srcElement, short[] dst, int dstOffset, int count) {
        requireSize(2);
        for (int done = 0; done < count; ) {
            int n = Math.min(count - done, HostBytes.MAX_SLICE_BYTES / 2);
            slice((srcElement + done) * 2, n * 2).asShortBuffer().get(dst, dstOffset + done, n);
            done += n;
        }
    }

    /** Copies {@code count} elements of a 4-byte type, bits as they are, from flat index {@code srcElement}. */
    public void copyTo(long srcElement, int[] dst, int dstOffset, int count) {
        requireSize(4);
        for (int done = 0; done < count; ) {
            int n = Math.min(count - done, HostBytes.MAX_SLICE_BYTES / 4);
            slice((srcElement + done) * 4, n * 4).asIntBuffer().get(dst, dstOffset + done, n);
            done += n;
        }
    }

    /** Copies {@code count} elements of an 8-byte type, bits as they are, from flat index {@code srcElement}. */
    public void copyTo(long srcElement, long[] dst, int dstOffset, int count) {
        requireSize(8);
        for (int done = 0; done < count; ) {
            int n = Math.min(count - done, HostBytes.MAX_SLICE_BYTES / 8);
            slice((srcElement + done) * 8, n * 8).asLongBuffer().get(dst, dstOffset + done, n);
            done += n;
        }
    }

    /**
     * Copies columns {@code firstCol} to {@code firstCol + numCols} of {@code numRows} rows from {@code firstRow}, bits as they
     * are, one row after the other.
     *
     * @throws IllegalArgumentException when this is no matrix of a 4-byte type
     */
    public void copyColumns(int firstRow, int numRows, int firstCol, int numCols, int[] dst) {
        requireSize(4);
        byte[] raw = new byte[Math.multiplyExact(4 * numRows, numCols)];
        copyColumnBytes(firstRow, numRows, firstCol, numCols, raw);
        ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(dst, 0, numRows * numCols);
    }

    /** As {@link #copyColumns(int, int, int, int, int[])}, converted to float. */
    public void copyColumns(int firstRow, int numRows, int firstCol, int numCols, float[] dst) {
        byte[] raw = new byte[Math.multiplyExact(dtype.sizeBytes() * numRows, numCols)];
        copyColumnBytes(firstRow, numRows, firstCol, numCols, raw);
        new HostTensor(name, dtype, Shape.of(numRows, numCols), HostBytes.of(ByteBuffer.wrap(raw)))
                .copyTo(0, dst, 0, numRows * numCols);
    }

    private void copyColumnBytes(int firstRow, int numRows, int firstCol, int numCols, byte[] dst) {
        requireType(shape.rank() == 2);
        Objects.checkFromIndexSize((long) firstRow, numRows, shape.dim(0));
        Objects.checkFromIndexSize((long) firstCol, numCols, shape.dim(1));
        long stride = shape.dim(1) * dtype.sizeBytes();
        long offset = firstRow * stride + (long) firstCol * dtype.sizeBytes();
        bytes.copyRuns(offset, stride, numCols * dtype.sizeBytes(), numRows, dst, 0);
    }

    /** Copies {@code count} <em>bytes</em>, whatever the type, from byte {@code srcByte}. */
    public void copyTo(long srcByte, byte[] dst, int dstOffset, int count) {
        for (int done = 0; done < count; ) {
            int n = Math.min(count - done, HostBytes.MAX_SLICE_BYTES);
            slice(srcByte + done, n).get(dst, dstOffset + done, n);
            done += n;
        }
    }

    /** Copies bytes from byte {@code srcByte} into a buffer, such as native memory, until it is full. */
    public void copyTo(long srcByte, ByteBuffer dst) {
        for (long at = srcByte; dst.hasRemaining(); ) {
            int n = Math.min(dst.remaining(), HostBytes.MAX_SLICE_BYTES);
            dst.put(slice(at, n));
            at += n;
        }
    }

    private void doublesToFloats(long srcElement, float[] dst, int dstOffset, int count) {
        requireType(dtype == DType.F64);
        long[] chunk = new long[Math.min(count, CHUNK_ELEMENTS)];
        for (int done = 0; done < count; ) {
            int n = Math.min(count - done, chunk.length);
            copyTo(srcElement + done, chunk, 0, n);
            for (int i = 0; i < n; i++) {
                dst[dstOffset + done + i] = (float) Double.longBitsToDouble(chunk[i]);
            }
            done += n;
        }
    }

    private void shortsToFloats(long srcElement, float[] dst, int dstOffset, int count) {
        requireType(dtype == DType.BF16 || dtype == DType.F16);
        short[] chunk = new short[Math.min(count, CHUNK_ELEMENTS)];
        for (int done = 0; done < count; ) {
            int n = Math.min(count - done, chunk.length);
            copyTo(srcElement + done, chunk, 0, n);
            int at = dstOffset + done;
            if (dtype == DType.BF16) {
                for (int i = 0; i < n; i++) {
                    dst[at + i] = FloatBits.bf16ToFloat(chunk[i]);
                }
            } else {
                for (int i = 0; i < n; i++) {
                    dst[at + i] = FloatBits.f16ToFloat(chunk[i]);
                }
            }
            done += n;
        }
    }

    private void bytesToFloats(long srcElement, float[] dst, int dstOffset, int count) {
        requireType(dtype.isFloat());
        float[] table = new float[256];
        for (int i = 0; i < table.length; i++) {
            table[i] = switch (dtype) {
                case F8_E4M3 -> FloatBits.f8e4m3ToFloat((byte) i);
                case F8_E5M2 -> FloatBits.f8e5m2ToFloat((byte) i);
                default -> FloatBits.f8e8m0ToFloat((byte) i);
            };
        }
        byte[] chunk = new byte[Math.min(count, CHUNK_ELEMENTS)];
        for (int done = 0; done < count; ) {
            int n = Math.min(count - done, chunk.length);
            copyTo(srcElement + done, chunk, 0, n);
            for (int i = 0; i < n; i++) {
                dst[dstOffset + done + i] = table[chunk[i] & 0xff];
            }
            done += n;
        }
    }

    private void requireSize(int sizeBytes) {
        requireType(dtype.sizeBytes() == sizeBytes);
    }

    private void requireType(boolean fits) {
        if (!fits) {
            throw new IllegalArgumentException("tensor " + name + " has type " + dtype + ", which cannot be copied so");
        }
    }

    @Override
    public String toString() {
        return name + " " + dtype + " " + shape;
    }
}
