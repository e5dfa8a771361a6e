package dev.quire.kernel.cpu;

import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.QuantizedMatrix;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** A quantized matrix in arrays, of any codes, groups, scales and order. */
record ArrayMatrix(
        int numRows,
        int numCols,
        Codes codes,
        int groupSize,
        boolean isSymmetric,
        int @Nullable [] columnOrder,
        DType scaleType,
        byte[][] values,
        float[][] scales,
        float[][] offsets)
        implements QuantizedMatrix {

    /** Random codes, and scales that {@code scaleType} holds. */
    static ArrayMatrix random(
            Random random,
            Codes codes,
            int groupSize,
            boolean symmetric,
            boolean ordered,
            DType scaleType,
            int rows,
            int cols) {
        int groups = (cols + groupSize - 1) / groupSize;
        boolean integers = codes.isInteger();
        byte[][] values = new byte[rows][cols];
        float[][] scales = new float[rows][groups];
        float[][] offsets = new float[rows][groups];
        double size = integers ? 1 << codes.numBits() - 1 : 128;
        for (int row = 0; row < rows; row++) {
            random.nextBytes(values[row]);
            for (int k = 0; k < cols; k++) {
                int code = values[row][k] & (1 << codes.numBits()) - 1;
                values[row][k] = (byte) (integers || (code & 0x7f) != 0x7f ? code : 0);
            }
            for (int group = 0; group < groups; group++) {
                float scale = narrow(scaleType, random.nextGaussian() / size / Math.sqrt(cols));
                scales[row][group] = scale;
                if (symmetric) {
                    offsets[row][group] = -(1 << codes.numBits() - 1) * scale;
                } else {
                    float zero = random.nextInt(1 << codes.numBits());
                    offsets[row][group] = narrow(scaleType, -zero * scale);
                }
            }
        }
        int[] order = null;
        if (ordered) {
            order = new int[cols];
            for (int k = 0; k < cols; k++) {
                int other = random.nextInt(k + 1);
                order[k] = order[other];
                order[other] = k;
            }
        }
        return new ArrayMatrix(
                rows, cols, codes, groupSize, symmetric || !integers, order, scaleType, values, scales, offsets);
    }

    private static float narrow(DType type, double value) {
        return switch (type) {
            case BF16 -> FloatBits.bf16ToFloat(FloatBits.floatToBf16((float) value));
            case F16 -> FloatBits.f16ToFloat(FloatBits.floatToF16((float) value));
            default -> (float) value;
        };
    }

    LinearWeight.Quantized weight(ActivationScheme activations) {
        return new LinearWeight.Quantized(name(), this, activations, null);
    }

    @Override
    public String name() {
        return codes + " g" + groupSize + (isSymmetric ? "" : " with offsets") + (columnOrder == null ? "" : " ordered")
                + " " + scaleType + " [" + numRows + ", " + numCols + "]";
    }

    @Override
    public long sizeBytes() {
        return (long) numRows * numCols * codes.numBits() / 8;
    }

    @Override
    public Rows rows(int firstRow, int count) {
        return new Rows() {
            @Override
            public void codes(int row, byte[] dst, int at) {
                System.arraycopy(values[firstRow + row], 0, dst, at, numCols);
            }

            @Override
            public void scales(int row, float[] dst, int at) {
                System.arraycopy(scales[firstRow + row], 0, dst, at, scales[0].length);
            }

            @Override
            public void offsets(int row, float[] dst, int at) {
                System.arraycopy(offsets[firstRow + row], 0, dst, at, offsets[0].length);
            }
        };
    }
}
