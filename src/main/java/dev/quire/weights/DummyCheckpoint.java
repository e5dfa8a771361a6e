package dev.quire.weights;

import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.HostBytes;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.RandomBytes;
import dev.quire.tensor.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongToDoubleFunction;

/**
 * Weights nobody trained, for measuring speed: normal with deviation 0.02, norm weights 1, integers any bits, what noise would
 * spoil as its reader says. An element depends only on seed, name and index; bytes are made when a slice is asked for and kept nowhere.
 */
final class DummyCheckpoint implements Checkpoint {
    private static final int TABLE_BITS = 16;
    private static final float DEVIATION = 0.02f;

    private final ModelFiles files;
    private final long seed;
    /** Normal deviates; an element is one of them, chosen by 16 hashed bits. */
    private final float[] normals = new float[1 << TABLE_BITS];

    private final AtomicLong totalBytes = new AtomicLong();

    DummyCheckpoint(ModelFiles files, long seed) {
        this.files = files;
        this.seed = seed;
        Random random = new Random(seed);
        for (int i = 0; i < normals.length; i++) {
            normals[i] = (float) random.nextGaussian() * DEVIATION;
        }
    }

    @Override
    public ModelFiles files() {
        return files;
    }

    @Override
    public Set<String> names() {
        return Set.of();
    }

    @Override
    public boolean has(String name) {
        return false;
    }

    @Override
    public HostTensor tensor(String name) {
        throw CheckpointException.ofTensor(
                files.location(), name, "has no known shape: dummy weights need the expected one");
    }

    @Override
    public HostTensor tensor(String name, Shape expected, DType preferred) {
        long sizeBytes = expected.numElements() * preferred.sizeBytes();
        totalBytes.addAndGet(sizeBytes);
        return new HostTensor(
                name,
                preferred,
                expected,
                bytes(new Generated(sizeBytes, hash(seed ^ name.hashCode()), table(name, preferred)), name));
    }

    @Override
    public HostTensor tensor(String name, Shape expected, DType preferred, LongToDoubleFunction dummy) {
        long sizeBytes = expected.numElements() * preferred.sizeBytes();
        totalBytes.addAndGet(sizeBytes);
        return new HostTensor(name, preferred, expected, new Computed(sizeBytes, preferred, dummy));
    }

    /** Matrices are plain noise, which a device may make by itself; norms are not. */
    private static HostBytes bytes(Generated generated, String name) {
        return isNorm(name) ? generated : new Noise(generated);
    }

    private static boolean isNorm(String name) {
        return name.contains("norm") && name.endsWith("weight");
    }

    /** Elements by a formula. */
    private record Computed(long sizeBytes, DType dtype, LongToDoubleFunction values) implements HostBytes {
        @Override
        public ByteBuffer slice(long offset, int length) {
            Objects.checkFromIndexSize(offset, (long) length, sizeBytes);
            HostBytes.checkSliceLength(length);
            int elementBytes = dtype.sizeBytes();
            long first = offset / elementBytes;
            int skip = (int) (offset - first * elementBytes);
            int count = (int) ((skip + (long) length + elementBytes - 1) / elementBytes);
            ByteBuffer made =
                    ByteBuffer.allocate(Math.multiplyExact(count, elementBytes)).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < count; i++) {
                double value = values.applyAsDouble(first + i);
                put(made, dtype, (float) value, (long) value);
            }
            return made.slice(skip, length).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    private record Noise(Generated generated) implements RandomBytes {
        @Override
        public long sizeBytes() {
            return generated.sizeBytes();
        }

        @Override
        public ByteBuffer slice(long offset, int length) {
            return generated.slice(offset, length);
        }

        @Override
        public long seed() {
            return generated.key();
        }

        @Override
        public float deviation() {
            return DEVIATION;
        }
    }

    @Override
    public long totalBytes() {
        return totalBytes.get();
    }

    @Override
    public void close() {}

    /** The little-endian bytes of every value an element can take, one after the other. */
    private ByteBuffer table(String name, DType dtype) {
        ByteBuffer table =
                ByteBuffer.allocate(normals.length * dtype.sizeBytes()).order(ByteOrder.LITTLE_ENDIAN);
        boolean norm = isNorm(name);
        for (int i = 0; i < normals.length; i++) {
            long bits = hash(i + 1L);
            // Of 8-bit floats sign and significand at random, exponents low enough for small values and never NaN.
            long small =
                    switch (dtype) {
                        case F8_E4M3 -> bits & 0x9f;
                        case F8_E5M2 -> bits & 0x8f | 0x20;
                        case F8_E8M0 -> 119;
                        case BOOL -> bits & 1;
                        default -> bits;
                    };
            put(table, dtype, norm ? 1 : normals[i], small);
        }
        return table.flip().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** One element: {@code value} in the types of 16 bits and more that are floats, {@code bits} in the others. */
    private static void put(ByteBuffer to, DType dtype, float value, long bits) {
        switch (dtype) {
            case F64 -> to.putDouble(value);
            case F32 -> to.putFloat(value);
            case F16 -> to.putShort(FloatBits.floatToF16(value));
            case BF16 -> to.putShort(FloatBits.floatToBf16(value));
            case F8_E4M3, F8_E5M2, F8_E8M0, BOOL, I8, U8 -> to.put((byte) bits);
            case I16, U16 -> to.putShort((short) bits);
            case I32, U32 -> to.putInt((int) bits);
            case I64, U64 -> to.putLong(bits);
        }
    }

    /** Finalizer of SplitMix64. */
    private static long hash(long x) {
        long z = x * 0x9e3779b97f4a7c15L;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    /** Four elements share a hash of their index, 16 bits each. */
    private record Generated(long sizeBytes, long key, ByteBuffer table) implements HostBytes {
        @Override
        public ByteBuffer slice(long offset, int length) {
            Objects.checkFromIndexSize(offset, (long) length, sizeBytes);
            HostBytes.checkSliceLength(length);
            int elementBytes = table.capacity() >> TABLE_BITS;
            int groupBytes = 4 * elementBytes;
            // Whole groups of four, a little more than asked at both ends.
            long firstGroup = offset / groupBytes;
            int skip = (int) (offset - firstGroup * groupBytes);
            int numGroups = (int) ((skip + (long) length + groupBytes - 1) / groupBytes);
            ByteBuffer made = ByteBuffer.allocate(Math.multiplyExact(numGroups, groupBytes))
                    .order(ByteOrder.LITTLE_ENDIAN);
            for (int g = 0; g < numGroups; g++) {
                long choices = hash(key + firstGroup + g);
                if (elementBytes == 2) {
                    // The common case, a word at once.
                    made.putLong(g * 8, pair(choices) | pair(choices >>> 32) << 32);
                } else {
                    putFour(made, choices, elementBytes);
                }
            }
            return made.slice(skip, length).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
        }

        private long pair(long choices) {
            long low = table.getChar(2 * (int) (choices & 0xffff));
            return low | (long) table.getChar(2 * (int) (choices >>> 16 & 0xffff)) << 16;
        }

        private void putFour(ByteBuffer made, long choices, int elementBytes) {
            for (int i = 0; i < 4; i++) {
                int choice = (int) (choices >>> (16 * i)) & 0xffff;
                switch (elementBytes) {
                    case 1 -> made.put(table.get(choice));
                    case 4 -> made.putInt(table.getInt(4 * choice));
                    default -> made.putLong(table.getLong(8 * choice));
                }
            }
        }
    }
}
