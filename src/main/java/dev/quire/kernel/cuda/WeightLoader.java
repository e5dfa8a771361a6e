package dev.quire.kernel.cuda;

import dev.quire.kernel.DequantizedRows;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import dev.quire.tensor.RandomBytes;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Takes a checkpoint's tensors to the device in bf16. Several threads copy pieces of the mapped file into pinned buffers, two
 * each, from where the copy engine takes them: so the page cache, not one core, sets the pace. Calls return at once;
 * {@link #await} waits for all.
 */
final class WeightLoader implements AutoCloseable {
    static final int PIECE_BYTES = UploadThreads.BUFFER_BYTES;
    private static final int FILL_BLOCKS = 2048;

    private final UploadThreads threads = new UploadThreads();
    private final KernelLaunch fill;
    private final CudaStream stream;
    private final List<DeviceMemory> memory = new ArrayList<>();
    private boolean filled;

    WeightLoader(KernelFactory kernels) {
        fill = kernels.kernel("fill_bf16", 256, 4);
        stream = kernels.stream();
    }

    /** Device address of the tensor in bf16. */
    long loadBf16(HostTensor tensor) {
        long address = allocate(tensor.name(), 2 * tensor.numElements());
        putBf16(tensor, address);
        return address;
    }

    /** Device address of a matrix, its stacked parts one below the other, in bf16. */
    long loadBf16(LinearWeight weight) {
        long address = allocate(weight.name(), 2L * weight.outFeatures() * weight.inFeatures());
        put(weight, address);
        return address;
    }

    long allocate(String name, long numBytes) {
        DeviceMemory block = DeviceMemory.allocate(name, numBytes);
        memory.add(block);
        return block.address();
    }

    private void put(LinearWeight weight, long address) {
        long at = address;
        for (LinearWeight.Leaf leaf : weight.leaves()) {
            if (leaf instanceof LinearWeight.Dense dense) {
                putBf16(dense.weight(), at);
            } else {
                putExpanded(((LinearWeight.Quantized) leaf).matrix(), at);
            }
            at += 2L * leaf.outFeatures() * leaf.inFeatures();
        }
    }

    private void putBf16(HostTensor tensor, long address) {
        long numElements = tensor.numElements();
        if (tensor.dtype() == DType.BF16 && tensor.bytes() instanceof RandomBytes random) {
            fill.set(0, address).set(1, numElements).set(2, random.seed()).set(3, random.deviation());
            fill.launch(FILL_BLOCKS);
            filled = true;
            return;
        }
        boolean sameType = tensor.dtype() == DType.BF16;
        int piece = PIECE_BYTES / 2;
        for (long done = 0; done < numElements; done += piece) {
            long first = done;
            int count = (int) Math.min(piece, numElements - done);
            threads.submit(address + 2 * first, 2L * count, buffer -> {
                if (sameType) {
                    tensor.copyTo(2 * first, buffer.limit(2 * count));
                } else {
                    convert(tensor, first, count, buffer);
                }
            });
        }
    }

    private static void convert(HostTensor tensor, long first, int count, ByteBuffer buffer) {
        float[] chunk = new float[Math.min(count, 1 << 16)];
        for (int done = 0; done < count; done += chunk.length) {
            int n = Math.min(chunk.length, count - done);
            tensor.copyTo(first + done, chunk, 0, n);
            for (int i = 0; i < n; i++) {
                buffer.putShort(2 * (done + i), FloatBits.floatToBf16(chunk[i]));
            }
        }
    }

    /** Codes become bf16, as the CPU backend does with small matrices. */
    private void putExpanded(QuantizedMatrix matrix, long address) {
        int cols = matrix.numCols();
        int rows = Math.max(8, PIECE_BYTES / 2 / cols / 8 * 8);
        for (int done = 0; done < matrix.numRows(); done += rows) {
            int first = done;
            int count = Math.min(rows, matrix.numRows() - done);
            threads.submit(address + 2L * first * cols, 2L * count * cols, buffer -> {
                DequantizedRows reader = new DequantizedRows(matrix, first, count);
                short[] row = new short[cols];
                for (int i = 0; i < count; i++) {
                    reader.copyTo(i, row, 0);
                    buffer.asShortBuffer().put(i * cols, row, 0, cols);
                }
            });
        }
    }

    /** Packs stacked matrices of integers into their places on the device. */
    void uploadInts(IntForm form, List<QuantizedMatrix> parts, long codes, long scales) {
        int cols = parts.get(0).numCols();
        int tiles =
                IntForm.tiles(parts.stream().mapToInt(QuantizedMatrix::numRows).sum());
        int codeBytes = form.codeBytes(cols);
        int scaleBytes = form.scaleBytes(cols);
        int piece = Math.max(1, PIECE_BYTES / (codeBytes + scaleBytes));
        for (int done = 0; done < tiles; done += piece) {
            int first = done;
            int count = Math.min(piece, tiles - done);
            threads.submit(
                    codes + (long) first * codeBytes,
                    (long) count * codeBytes,
                    scales + (long) first * scaleBytes,
                    (long) count * scaleBytes,
                    buffer -> new IntPacker(form, parts).pack(first, count, buffer));
        }
    }

    void uploadInts(int[] values, long address) {
        for (int done = 0; done < values.length; done += PIECE_BYTES / 4) {
            int first = done;
            int count = Math.min(PIECE_BYTES / 4, values.length - done);
            threads.submit(
                    address + 4L * first,
                    4L * count,
                    buffer -> buffer.asIntBuffer().put(values, first, count));
        }
    }

    /** Copies floats, converted from whatever the tensor holds, to a device address. */
    void uploadFloats(HostTensor tensor, long address) {
        float[] values = tensor.toFloats();
        uploadFloats(values, address);
    }

    void uploadFloats(float[] values, long address) {
        for (int done = 0; done < values.length; done += PIECE_BYTES / 4) {
            int first = done;
            int count = Math.min(PIECE_BYTES / 4, values.length - done);
            threads.submit(
                    address + 4L * first,
                    4L * count,
                    buffer -> buffer.asFloatBuffer().put(values, first, count));
        }
    }

    /**
     * Copies what {@code filler} puts into the first bytes of a little-endian buffer, on another thread.
     *
     * @param numBytes at most {@link #PIECE_BYTES}
     */
    void upload(long address, long numBytes, Consumer<ByteBuffer> filler) {
        threads.submit(address, numBytes, filler);
    }

    void uploadBf16(float[] values, long address) {
        threads.submit(address, 2L * values.length, buffer -> {
            for (int i = 0; i < values.length; i++) {
                buffer.putShort(2 * i, FloatBits.floatToBf16(values[i]));
            }
        });
    }

    /** Waits until everything given so far is on the device. */
    void await() {
        threads.await();
        if (filled) {
            stream.synchronize();
            filled = false;
        }
    }

    /** Ends the threads and lets go of the pinned buffers; the weights stay. A later load starts them again. */
    void rest() {
        threads.close();
    }

    @Override
    public void close() {
        threads.close();
        memory.forEach(DeviceMemory::close);
        memory.clear();
    }
}
