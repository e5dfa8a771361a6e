package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.HostBytes;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Shape;
import dev.quire.tensor.Storage;
import dev.quire.tensor.Tensor;
import dev.quire.weights.quant.PackedWeight;
import dev.quire.weights.quant.WeightScheme;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Builders and comparisons for the kernel tests. */
final class CpuTensors {
    private CpuTensors() {}

    /** Normal values in [rows, cols] after {@code offset} elements of NaN. */
    static Tensor random(Random random, int rows, int cols, int offset) {
        float[] values = new float[offset + rows * cols];
        Arrays.fill(values, 0, offset, Float.NaN);
        for (int i = offset; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return new Tensor(DType.F32, Shape.of(rows, cols), new Storage.Floats(values), offset);
    }

    static Tensor vector(float... values) {
        return new Tensor(DType.F32, Shape.of(values.length), new Storage.Floats(values), 0);
    }

    /** An output buffer full of NaN. */
    static Tensor poisoned(int rows, int cols, int offset) {
        float[] values = new float[offset + rows * cols];
        Arrays.fill(values, Float.NaN);
        return new Tensor(DType.F32, Shape.of(rows, cols), new Storage.Floats(values), offset);
    }

    static Tensor copy(Tensor tensor) {
        return new Tensor(
                tensor.dtype(),
                tensor.shape(),
                new Storage.Floats(tensor.floats().clone()),
                tensor.offset());
    }

    static HostTensor host(Random random, DType dtype, float scale, int... dims) {
        long[] shape = Arrays.stream(dims).asLongStream().toArray();
        int count = Math.toIntExact(Shape.of(shape).numElements());
        ByteBuffer bytes = ByteBuffer.allocate(count * dtype.sizeBytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            float value = (float) random.nextGaussian() * scale;
            switch (dtype) {
                case F32 -> bytes.putFloat(value);
                case BF16 -> bytes.putShort(FloatBits.floatToBf16(value));
                case F16 -> bytes.putShort(FloatBits.floatToF16(value));
                default -> bytes.putInt(random.nextInt());
            }
        }
        return new HostTensor("random", dtype, Shape.of(shape), HostBytes.of(bytes.flip()));
    }

    static LinearWeight dense(Random random, DType dtype, int out, int in, boolean bias) {
        HostTensor weight = host(random, dtype, (float) (1 / Math.sqrt(in)), out, in);
        return new LinearWeight.Dense("dense", weight, bias ? host(random, DType.F32, 1, out) : null);
    }

    static LinearWeight quantized(
            Random random, int numBits, int groupSize, boolean symmetric, DType scaleType, int out, int in) {
        int perWord = 32 / numBits;
        int groups = (in + groupSize - 1) / groupSize;
        float scale = (float) (1 / Math.sqrt(in) / (1 << numBits - 1));
        @Nullable
        HostTensor zeroPoint = symmetric ? null : host(random, DType.I32, 1, (out + perWord - 1) / perWord, groups);
        PackedWeight matrix = new PackedWeight(
                "quantized",
                new WeightScheme(numBits, groupSize >= in ? 0 : groupSize, symmetric, false),
                out,
                in,
                host(random, DType.I32, 1, out, (in + perWord - 1) / perWord),
                host(random, scaleType, scale, out, groups),
                zeroPoint,
                null);
        return new LinearWeight.Quantized("quantized", matrix, ActivationScheme.NONE, null);
    }

    /** Equal positions of NaN and infinity, then |difference| ≤ tolerance × max(1, |expected|), in the first rows. */
    static void assertClose(Tensor actual, Tensor expected, int numRows, int numCols, double tolerance) {
        for (int i = 0; i < numRows; i++) {
            for (int j = 0; j < numCols; j++) {
                float a = actual.floats()[(int) actual.offset() + i * actual.rowStride() + j];
                float e = expected.floats()[(int) expected.offset() + i * expected.rowStride() + j];
                if (Float.isFinite(e)) {
                    assertThat(Math.abs((double) a - e))
                            .as("[%d, %d]: %s, expected %s", i, j, a, e)
                            .isLessThanOrEqualTo(tolerance * Math.max(1, Math.abs(e)));
                } else {
                    assertThat(Float.valueOf(a)).as("[%d, %d]", i, j).isEqualTo(Float.valueOf(e));
                }
            }
        }
    }

    /** Everything before the offset, beyond {@code numCols} of each row and beyond {@code numRows} is still NaN. */
    static void assertUntouched(Tensor poisoned, int numRows, int numCols) {
        float[] values = poisoned.floats();
        for (int i = 0; i < values.length; i++) {
            int element = i - (int) poisoned.offset();
            boolean inside = element >= 0
                    && element / poisoned.rowStride() < numRows
                    && element % poisoned.rowStride() < numCols;
            if (!inside) {
                assertThat(values[i]).as("element %d was written", element).isNaN();
            }
        }
    }
}
