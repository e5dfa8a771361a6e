package dev.quire.kernel.cuda;

import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.ActivationScheme.Kind;
import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.HostBytes;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import dev.quire.tensor.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Quantized matrices with random codes, and what a layer with rounded inputs computes, in plain Java. */
final class CodesCase {
    private CodesCase() {}

    /** Any codes with scales of their own for every {@code groupSize} columns of {@code scaleRows} rows. */
    static final class Matrix implements QuantizedMatrix {
        private final String name;
        private final int numRows;
        private final int numCols;
        private final Codes codes;
        private final int groupSize;
        private final int scaleRows;
        private final boolean symmetric;
        private final byte[] bytes;
        private final float[] scales;
        private final float[] offsets;

        Matrix(
                String name,
                int numRows,
                int numCols,
                Codes codes,
                int groupSize,
                int scaleRows,
                boolean symmetric,
                Random random) {
            this.name = name;
            this.numRows = numRows;
            this.numCols = numCols;
            this.codes = codes;
            this.groupSize = groupSize;
            this.scaleRows = scaleRows;
            this.symmetric = symmetric;
            bytes = new byte[numRows * numCols];
            random.nextBytes(bytes);
            for (int i = 0; i < bytes.length; i++) {
                boolean isNan = codes == Codes.E4M3 && (bytes[i] & 0x7f) == 0x7f;
                bytes[i] = isNan ? 0x38 : (byte) (bytes[i] & (1 << codes.numBits()) - 1);
            }
            scales = new float[numRows * numGroups()];
            offsets = new float[scales.length];
            for (int row = 0; row < numRows; row++) {
                for (int group = 0; group < numGroups(); group++) {
                    int at = row * numGroups() + group;
                    boolean first = row % scaleRows == 0;
                    scales[at] = first ? 0.001f * (1 + random.nextFloat()) : scales[at - numGroups()];
                    offsets[at] = symmetric
                            ? -(1 << codes.numBits() - 1) * scales[at]
                            : first ? -3 * scales[at] * random.nextInt(9) : offsets[at - numGroups()];
                }
            }
        }

        float value(int row, int col) {
            int at = row * numGroups() + col / groupSize;
            byte code = bytes[row * numCols + col];
            return codes.isInteger()
                    ? Math.fma(code & 0xff, scales[at], offsets[at])
                    : FloatBits.f8e4m3ToFloat(code) * scales[at];
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public int numRows() {
            return numRows;
        }

        @Override
        public int numCols() {
            return numCols;
        }

        @Override
        public Codes codes() {
            return codes;
        }

        @Override
        public int groupSize() {
            return groupSize;
        }

        @Override
        public int scaleRows() {
            return scaleRows;
        }

        @Override
        public boolean isSymmetric() {
            return symmetric;
        }

        @Override
        public int @Nullable [] columnOrder() {
            return null;
        }

        @Override
        public long sizeBytes() {
            return bytes.length;
        }

        @Override
        public Rows rows(int firstRow, int count) {
            return new Rows() {
                @Override
                public void codes(int row, byte[] dst, int at) {
                    System.arraycopy(bytes, (firstRow + row) * numCols, dst, at, numCols);
                }

                @Override
                public void scales(int row, float[] dst, int at) {
                    System.arraycopy(scales, (firstRow + row) * numGroups(), dst, at, numGroups());
                }

                @Override
                public void offsets(int row, float[] dst, int at) {
                    System.arraycopy(offsets, (firstRow + row) * numGroups(), dst, at, numGroups());
                }
            };
        }
    }

    static LinearWeight.Quantized layer(Matrix matrix, ActivationScheme scheme, boolean hasBias, Random random) {
        return new LinearWeight.Quantized(
                matrix.name(), matrix, scheme, hasBias ? vector(matrix.numRows(), random) : null);
    }

    private static HostTensor vector(int length, Random random) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * length).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < length; i++) {
            // Exact in bf16, which is how cuBLASLt takes it.
            bytes.putFloat(FloatBits.bf16ToFloat(FloatBits.floatToBf16((float) random.nextGaussian())));
        }
        return new HostTensor("bias", DType.F32, Shape.of(length), HostBytes.of(bytes.flip()));
    }

    /** x' · Wᵀ + bias of one row. */
    static double[] expected(LinearWeight.Quantized layer, float[] x) {
        Matrix matrix = (Matrix) layer.matrix();
        float[] rounded = rounded(layer.activations(), x);
        float[] bias = layer.bias() == null
                ? new float[matrix.numRows()]
                : layer.bias().toFloats();
        double[] y = new double[matrix.numRows()];
        for (int row = 0; row < y.length; row++) {
            y[row] = bias[row];
            for (int col = 0; col < x.length; col++) {
                y[row] += (double) rounded[col] * matrix.value(row, col);
            }
        }
        return y;
    }

    /** The row as the layer sees it, in f32. */
    static float[] rounded(ActivationScheme scheme, float[] x) {
        float[] result = new float[x.length];
        int groupSize = scheme.isDynamic() && scheme.groupSize() > 0 ? scheme.groupSize() : x.length;
        for (int begin = 0; begin < x.length; begin += groupSize) {
            round(scheme, x, result, begin, Math.min(x.length, begin + groupSize));
        }
        return result;
    }

    private static void round(ActivationScheme scheme, float[] x, float[] result, int begin, int end) {
        float size = 0;
        float min = 0;
        float max = 0;
        for (int i = begin; i < end; i++) {
            size = Math.max(size, Math.abs(x[i]));
            min = Math.min(min, x[i]);
            max = Math.max(max, x[i]);
        }
        float scale = scheme.scale();
        int zero = scheme.zeroPoint();
        if (scheme.isDynamic()) {
            zero = 0;
            scale = size == 0 ? 1 : size / (scheme.kind() == Kind.E4M3 ? 448 : 127);
            if (scheme.kind() == Kind.INT8 && !scheme.isSymmetric()) {
                scale = size == 0 ? 1 : (max - min) / 255;
                zero = (int) Math.max(-128, Math.min(127, Math.rint(-128 - min / scale)));
            }
        }
        for (int i = begin; i < end; i++) {
            float q = x[i] / scale;
            result[i] = switch (scheme.kind()) {
                case NONE -> x[i];
                case INT8 -> ((float) Math.max(-128, Math.min(127, Math.rint(q) + zero)) - zero) * scale;
                case E4M3 -> nearestE4m3(q) * scale;
            };
        }
    }

    /** By search; of two as near the one with the even code. */
    private static float nearestE4m3(float value) {
        float size = Math.abs(value);
        int best = 0;
        for (int code = 1; code < 0x7f; code++) {
            double now = Math.abs((double) FloatBits.f8e4m3ToFloat((byte) code) - size);
            double before = Math.abs((double) FloatBits.f8e4m3ToFloat((byte) best) - size);
            if (now < before || now == before && code % 2 == 0) {
                best = code;
            }
        }
        return Math.copySign(FloatBits.f8e4m3ToFloat((byte) best), value);
    }
}
