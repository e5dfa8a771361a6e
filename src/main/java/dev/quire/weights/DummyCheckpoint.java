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

/**
 * Weights nobody trained, for measuring speed: normal with deviation 0.02, norm weights 1, quantization scales 0.004, integers
 * any bits. An element depends only on seed, name and index; bytes are made when a slice is asked for and kept nowhere.
 */
final class DummyCheckpoint implements Checkpoint {
    private static final int TABLE_BITS = 16;
    private static final float DEVIATION = 0.02f;
    private static final float QUANTIZATION_SCALE = 0.004f;

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

    /** Matrices are plain noise, which a device may make by itself; norms and scales are not. */
    private static HostBytes bytes(Generated generated, String name) {
        return isNorm(name) || isScale(name) ? generated : new Noise(generated);
    }

    private static boolean isNorm(String name) {
        return name.contains("norm") && name.endsWith("weight");
    }

    private static boolean isScale(String name) {
        return name.endsWith("scale") || name.endsWith("scales");
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
        boolean scale = isScale(name);
        for (int i = 0; i < normals.length; i++) {
            float value = norm ? 1 : scale ? QUANTIZATION_SCALE : normals[i];
            // A group index must name a group that exists.
            long bits = name.endsWith("g_idx") ? 0 : hash(i + 1L);
            switch (dtype) {
                case F64 -> table.putDouble(value);
                case F32 -> table.putFloat(value);
                case F16 -> table.putShort(FloatBits.floatToF16(value));
                case BF16 -> table.putShort(FloatBits.floatToBf16(value));
                // Sign and significand at random, exponents low enough for small values and never NaN.
                case F8_E4M3 -> table.put((byte) (bits & 0x9f));
                case F8_E5M2 -> table.put((byte) (bits & 0x8f | 0x20));
                case F8_E8M0 -> table.put((byte) 119);
                case BOOL -> table.put((byte) (bits & 1));
                case I8, U8 -> table.put((byte) bits);
                case I16, U16 -> table.putShort((short) bits);
                case I32, U32 -> table.putInt((int) bits);
                case I64, U64 -> table.putLong(bits);
            }
        }
        return table.flip().order(ByteOrder.LITTLE_ENDIAN);
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
