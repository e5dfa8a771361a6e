package dev.quire.kernel.cuda;

import dev.quire.tensor.QuantizedMatrix;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** A matrix of random integers, as a checkpoint would give it. */
record RandomInts(
        String name,
        int numRows,
        int numCols,
        Codes codes,
        int groupSize,
        boolean isSymmetric,
        int @Nullable [] columnOrder,
        byte[] allCodes,
        float[] allScales,
        float[] allOffsets)
        implements QuantizedMatrix {

    /** What a scale and an offset may be. */
    enum Kind {
        BF16_SYMMETRIC,
        F16_ZERO_POINTS,
        F32_OFFSETS
    }

    static RandomInts of(Random random, int rows, int cols, Codes codes, int groupSize, Kind kind, boolean ordered) {
        int groups = (cols + groupSize - 1) / groupSize;
        byte[] all = new byte[rows * cols];
        float[] scales = new float[rows * groups];
        float[] offsets = new float[scales.length];
        int levels = 1 << codes.numBits();
        for (int i = 0; i < all.length; i++) {
            all[i] = (byte) random.nextInt(levels);
        }
        double unit = 3 / Math.sqrt(cols) / levels;
        for (int i = 0; i < scales.length; i++) {
            float scale = (float) (unit * (0.3 + random.nextDouble()));
            switch (kind) {
                case BF16_SYMMETRIC -> {
                    scales[i] = IntForm.rounded(scale, IntForm.Scales.BF16);
                    offsets[i] = -levels / 2 * scales[i];
                }
                case F16_ZERO_POINTS -> {
                    scales[i] = IntForm.rounded(scale, IntForm.Scales.F16);
                    offsets[i] = -(levels / 2 + random.nextInt(5) - 2) * scales[i];
                }
                case F32_OFFSETS -> {
                    scales[i] = scale;
                    offsets[i] = (float) (-levels * unit * random.nextDouble());
                }
            }
        }
        return new RandomInts(
                kind + " " + codes,
                rows,
                cols,
                codes,
                groupSize,
                kind == Kind.BF16_SYMMETRIC,
                ordered ? shuffled(random, cols) : null,
                all,
                scales,
                offsets);
    }

    private static int[] shuffled(Random random, int count) {
        int[] order = new int[count];
        Arrays.setAll(order, i -> i);
        for (int i = count - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
        return order;
    }

    @Override
    public long sizeBytes() {
        return allCodes.length + 4L * allScales.length;
    }

    @Override
    public Rows rows(int firstRow, int count) {
        return new Rows() {
            @Override
            public void codes(int row, byte[] dst, int at) {
                System.arraycopy(allCodes, (firstRow + check(row)) * numCols, dst, at, numCols);
            }

            @Override
            public void scales(int row, float[] dst, int at) {
                System.arraycopy(allScales, (firstRow + check(row)) * numGroups(), dst, at, numGroups());
            }

            @Override
            public void offsets(int row, float[] dst, int at) {
                System.arraycopy(allOffsets, (firstRow + check(row)) * numGroups(), dst, at, numGroups());
            }

            private int check(int row) {
                if (row < 0 || row >= count || firstRow + row >= numRows) {
                    throw new IndexOutOfBoundsException(row + " of " + count + " from " + firstRow);
                }
                return row;
            }
        };
    }
}
