package dev.quire.kernel.cpu;

import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;

/**
 * A scale, and an offset where one is kept, for each row and group of a {@link GroupMatrix}: in f32, or in 16 bits where
 * those hold all of them exactly. A group is two vectors of f32 words or one of 16-bit pairs, row l low and L + l high.
 */
final class GroupScales {
    /** Floats that a group decodes to: scales and biases of a panel's rows. */
    static final int GROUP_LENGTH = 4 * Lanes.COUNT;

    /** Groups up to this size have scales worth narrowing. */
    static final int MAX_NARROW_GROUP = 64;

    private final DType type;
    private final int numGroups;
    private final int panelsPerArray;
    private final float factor;
    private final float symmetricBias;
    private final boolean hasOffsets;
    private final int groupWords;
    private final int[][] scales;
    private final int[][] offsets;

    GroupScales(PackedMatrix matrix, PanelCodes codes, int numGroups, DType type, boolean hasOffsets) {
        this.type = type;
        this.numGroups = numGroups;
        this.hasOffsets = hasOffsets;
        factor = codes.scaleFactor();
        symmetricBias = codes.symmetricBias();
        panelsPerArray = matrix.panelsPerArray;
        groupWords = groupWords(type);
        scales = new int[matrix.numArrays()][];
        offsets = new int[matrix.numArrays()][];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = new int[Math.multiplyExact(matrix.arrayPanels(i), numGroups * groupWords)];
            offsets[i] = new int[hasOffsets ? scales[i].length : 0];
        }
    }

    private static int groupWords(DType type) {
        return type == DType.F32 ? 2 * Lanes.COUNT : Lanes.COUNT;
    }

    /** Bytes that the scales of a matrix take. */
    static long numBytes(int rows, int numGroups, DType type, boolean hasOffsets) {
        long numPanels = Lanes.roundUp(rows, PackedMatrix.PANEL_ROWS) / PackedMatrix.PANEL_ROWS;
        return (hasOffsets ? 8 : 4) * numPanels * numGroups * groupWords(type);
    }

    private int at(int panel, int group) {
        return (panel % panelsPerArray * numGroups + group) * groupWords;
    }

    /** Stores one row's; throws IllegalStateException when the type does not hold one exactly. */
    void store(int panel, int row, float[] rowScales, float[] rowOffsets) {
        for (int group = 0; group < numGroups; group++) {
            put(scales[panel / panelsPerArray], at(panel, group), row, rowScales[group]);
            if (hasOffsets) {
                put(offsets[panel / panelsPerArray], at(panel, group), row, rowOffsets[group]);
            }
        }
    }

    private void put(int[] words, int at, int row, float value) {
        if (type == DType.F32) {
            words[at + row] = Float.floatToRawIntBits(value);
            return;
        }
        short bits = type == DType.BF16 ? FloatBits.floatToBf16(value) : FloatBits.floatToF16(value);
        words[at + row % Lanes.COUNT] |= (bits & 0xffff) << row / Lanes.COUNT * 16;
        if (get(words, at, row) != value) {
            throw new IllegalStateException("scale or offset " + value + " is no " + type);
        }
    }

    private float get(int[] words, int at, int row) {
        if (type == DType.F32) {
            return Float.intBitsToFloat(words[at + row]);
        }
        short bits = (short) (words[at + row % Lanes.COUNT] >>> row / Lanes.COUNT * 16);
        return type == DType.BF16 ? FloatBits.bf16ToFloat(bits) : FloatBits.f16ToFloat(bits);
    }

    /** The scale of one row, times the factor. */
    float scale(int panel, int row, int group) {
        return get(scales[panel / panelsPerArray], at(panel, group), row) * factor;
    }

    /** What is added to a code's value times {@code scale}. */
    float bias(int panel, int row, int group, float scale) {
        return hasOffsets ? get(offsets[panel / panelsPerArray], at(panel, group), row) - scale : scale * symmetricBias;
    }

    /** Groups [group, group + count) of a panel to f32 at dst[to]: scales times the factor and biases of each, [4, L]. */
    void decode(PanelLoops loops, int panel, int group, int count, float[] dst, int to) {
        int array = panel / panelsPerArray;
        int from = at(panel, group);
        switch (type) {
            case F32 -> loops.decodeScales(scales[array], offsets[array], from, count, factor, symmetricBias, dst, to);
            case BF16 ->
                loops.decodeBf16Scales(scales[array], offsets[array], from, count, factor, symmetricBias, dst, to);
            default ->
                loops.decodeF16Scales(scales[array], offsets[array], from, count, factor, symmetricBias, dst, to);
        }
    }
}
