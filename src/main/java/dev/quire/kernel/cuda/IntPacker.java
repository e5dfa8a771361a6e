package dev.quire.kernel.cuda;

import dev.quire.tensor.FloatBits;
import dev.quire.tensor.QuantizedMatrix;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/** Brings row tiles of stacked matrices into the order of {@code int_weights.cuh}. One for each thread. */
final class IntPacker {
    private static final VarHandle WORD = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int TILE = IntForm.TILE;
    private static final int STEP = IntForm.STEP;

    private final IntForm form;
    private final List<QuantizedMatrix> parts;
    private final int cols;
    /** Codes of a tile's rows, padded to full steps. */
    private final byte[][] codes;

    private final float[][] scales;
    private final float[][] offsets;
    private final byte[] row;

    /** @param parts stacked, of the same number of columns and the form's groups */
    IntPacker(IntForm form, List<QuantizedMatrix> parts) {
        this.form = form;
        this.parts = parts;
        cols = parts.get(0).numCols();
        int groups = parts.get(0).numGroups();
        codes = new byte[TILE][IntForm.steps(cols) * STEP];
        scales = new float[TILE][groups];
        offsets = new float[TILE][groups];
        row = new byte[cols];
    }

    /** Writes the codes of tiles [first, first + count) from the buffer's position on, then their scales. */
    void pack(int first, int count, ByteBuffer to) {
        int codesAt = to.position();
        int scalesAt = codesAt + count * form.codeBytes(cols);
        int begin = first * TILE;
        int end = (first + count) * TILE;
        int partBegin = 0;
        int next = begin;
        for (QuantizedMatrix part : parts) {
            int partEnd = partBegin + part.numRows();
            if (partEnd > begin && partBegin < end) {
                int from = Math.max(begin, partBegin);
                int n = Math.min(end, partEnd) - from;
                QuantizedMatrix.Rows rows = part.rows(from - partBegin, n);
                for (int i = 0; i < n; i++) {
                    read(part, rows, i, (from + i) % TILE, from + i - partBegin);
                    next = from + i + 1;
                    if (next % TILE == 0) {
                        int tile = next / TILE - 1 - first;
                        write(to, codesAt + tile * form.codeBytes(cols), scalesAt + tile * form.scaleBytes(cols));
                    }
                }
            }
            partBegin = partEnd;
        }
        if (next % TILE != 0) {
            for (int i = next % TILE; i < TILE; i++) {
                Arrays.fill(codes[i], (byte) 0);
                Arrays.fill(scales[i], 0);
                Arrays.fill(offsets[i], 0);
            }
            int tile = next / TILE - first;
            write(to, codesAt + tile * form.codeBytes(cols), scalesAt + tile * form.scaleBytes(cols));
        }
    }

    /** Codes become two's complement bytes: counted from their centre. */
    private void read(QuantizedMatrix part, QuantizedMatrix.Rows rows, int from, int to, int number) {
        byte[] bytes = codes[to];
        rows.codes(from, bytes, 0);
        int centre = IntForm.centre(part);
        if (centre == 128) {
            for (int i = 0; i < bytes.length; i += 4) {
                WORD.set(bytes, i, (int) WORD.get(bytes, i) ^ 0x80808080);
            }
        } else {
            int less = centre * 0x01010101;
            for (int i = 0; i < bytes.length; i += 4) {
                int four = (int) WORD.get(bytes, i) & 0x7f7f7f7f;
                WORD.set(bytes, i, (four | 0x80808080) - less ^ 0x80808080);
            }
        }
        Arrays.fill(bytes, cols, bytes.length, (byte) 0);
        rows.scales(from, scales[to], 0);
        if (part.isSymmetric()) {
            Arrays.fill(offsets[to], 0);
        } else {
            rows.offsets(from, offsets[to], 0);
        }
        for (int g = 0; g < scales[to].length; g++) {
            float scale = scales[to][g];
            float offset = part.isSymmetric() ? 0 : IntForm.centred(part, scale, offsets[to][g]);
            offsets[to][g] = offset;
            boolean exact = form.scales() == IntForm.Scales.F32
                    || IntForm.rounded(scale, form.scales()) == scale
                            && (!form.offsets() || IntForm.isMultiple(offset, scale));
            if (!exact) {
                throw new IllegalStateException(part.name() + ": row " + number + " has scale " + scale + " and offset "
                        + offset + ", other rows have scales in " + form.scales());
            }
        }
    }

    private void write(ByteBuffer to, int codesAt, int scalesAt) {
        if (form.bits() == 4) {
            writeNibbles(to, codesAt);
        } else {
            writeBytes(to, codesAt);
        }
        int width = form.width();
        int granules = form.granules(cols);
        for (int granule = 0; granule < granules; granule++) {
            int group = Math.min(form.group(granule), scales[0].length - 1);
            for (int r = 0; r < TILE; r++) {
                int at = scalesAt + (granule * TILE + pairs(r)) * width;
                writeScale(to, at, scales[r][group], offsets[r][group]);
            }
        }
    }

    /** Rows g and g + 8 are neighbours. */
    private static int pairs(int row) {
        return row % 8 * 2 + row / 8;
    }

    private void writeScale(ByteBuffer to, int at, float scale, float offset) {
        switch (form.scales()) {
            case F32 -> {
                to.putFloat(at, scale);
                if (form.offsets()) {
                    to.putFloat(at + 4, offset);
                }
            }
            case BF16 -> {
                to.putShort(at, FloatBits.floatToBf16(scale));
                if (form.offsets()) {
                    to.putShort(at + 2, FloatBits.floatToBf16(IntForm.multiple(offset, scale)));
                }
            }
            case F16 -> {
                to.putShort(at, FloatBits.floatToF16(scale));
                if (form.offsets()) {
                    to.putShort(at + 2, FloatBits.floatToF16(IntForm.multiple(offset, scale)));
                }
            }
        }
    }

    /** A word has two pairs of row g, eight columns apart, and two of row g + 8. */
    private void writeNibbles(ByteBuffer to, int at) {
        int steps = codes[0].length / STEP;
        for (int step = 0; step < steps; step++) {
            for (int g = 0; g < 8; g++) {
                byte[] low = codes[g];
                byte[] high = codes[g + 8];
                int lanes = at + step * 512 + g * 64;
                for (int j = 0; j < 4; j++) {
                    for (int q = 0; q < 4; q += 2) {
                        int k = step * STEP + 16 * j + 2 * q;
                        // The code is the number and 8.
                        int first = nibbles(low, high, k) ^ 0x88888888;
                        int second = nibbles(low, high, k + 8) ^ 0x88888888;
                        to.putInt(lanes + q * 16 + j * 4, spread(first & 0xffff | second << 16));
                        to.putInt(lanes + q * 16 + 16 + j * 4, spread(first >>> 16 | second & 0xffff0000));
                    }
                }
            }
        }
    }

    /** Four bytes: of row g below, of g + 8 above. */
    private static int nibbles(byte[] low, byte[] high, int k) {
        return (int) WORD.get(low, k) & 0x0f0f0f0f | ((int) WORD.get(high, k) & 0x0f0f0f0f) << 4;
    }

    /** The second of a pair comes sixteen bits above the first. */
    private static int spread(int four) {
        return four & 0xff0000ff | (four & 0xff00) << 8 | four >>> 8 & 0xff00;
    }

    private void writeBytes(ByteBuffer to, int at) {
        int steps = codes[0].length / STEP;
        for (int step = 0; step < steps; step++) {
            for (int g = 0; g < 8; g++) {
                byte[] low = codes[g];
                byte[] high = codes[g + 8];
                for (int k = 0; k < STEP; k += 4) {
                    int a = (int) WORD.get(low, step * STEP + k);
                    int b = (int) WORD.get(high, step * STEP + k);
                    int j = k / 16;
                    int lane = at + step * 1024 + (j >> 1) * 512 + g * 64 + (k / 2 & 3) * 16;
                    int word = ((j & 1) * 2 + (k / 8 & 1)) * 4;
                    to.putInt(lane + word, interleaved(a & 0xffff, b & 0xffff));
                    to.putInt(lane + 16 + word, interleaved(a >>> 16, b >>> 16));
                }
            }
        }
    }

    private static int interleaved(int a, int b) {
        return a & 0xff | (b & 0xff) << 8 | (a & 0xff00) << 8 | (b & 0xff00) << 16;
    }
}
