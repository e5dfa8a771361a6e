package dev.quire.weights.gguf;

import dev.quire.tensor.DType;
import dev.quire.tensor.QuantizedMatrix.Codes;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A type of ggml tensors: plain numbers, or blocks of codes along a row ({@code ggml-common.h}). A plain type's block is one
 * element.
 */
enum GgufType {
    F32(0, DType.F32),
    F16(1, DType.F16),
    BF16(30, DType.BF16),
    Q4_0(2, Codes.INT4, 32, 18, 32, true),
    Q4_1(3, Codes.INT4, 32, 20, 32, false),
    Q5_0(6, Codes.INT5, 32, 22, 32, true),
    Q5_1(7, Codes.INT5, 32, 24, 32, false),
    Q8_0(8, Codes.INT8, 32, 34, 32, true),
    Q4_K(12, Codes.INT4, 256, 144, 32, false),
    Q5_K(13, Codes.INT5, 256, 176, 32, false),
    Q6_K(14, Codes.INT6, 256, 210, 16, true);

    private static final Map<Integer, String> OTHERS = Map.ofEntries(
            Map.entry(9, "Q8_1"),
            Map.entry(10, "Q2_K"),
            Map.entry(11, "Q3_K"),
            Map.entry(15, "Q8_K"),
            Map.entry(16, "IQ2_XXS"),
            Map.entry(17, "IQ2_XS"),
            Map.entry(18, "IQ3_XXS"),
            Map.entry(19, "IQ1_S"),
            Map.entry(20, "IQ4_NL"),
            Map.entry(21, "IQ3_S"),
            Map.entry(22, "IQ2_S"),
            Map.entry(23, "IQ4_XS"),
            Map.entry(24, "I8"),
            Map.entry(25, "I16"),
            Map.entry(26, "I32"),
            Map.entry(27, "I64"),
            Map.entry(28, "F64"),
            Map.entry(29, "IQ1_M"),
            Map.entry(34, "TQ1_0"),
            Map.entry(35, "TQ2_0"),
            Map.entry(39, "MXFP4"),
            Map.entry(40, "NVFP4"));

    private final int id;
    private final @Nullable DType dtype;
    private final @Nullable Codes codes;
    private final int blockElements;
    private final int blockBytes;
    private final int groupSize;
    private final boolean symmetric;

    GgufType(int id, DType dtype) {
        this.id = id;
        this.dtype = dtype;
        this.codes = null;
        blockElements = 1;
        blockBytes = dtype.sizeBytes();
        groupSize = 1;
        symmetric = true;
    }

    GgufType(int id, Codes codes, int blockElements, int blockBytes, int groupSize, boolean symmetric) {
        this.id = id;
        this.dtype = null;
        this.codes = codes;
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
        this.groupSize = groupSize;
        this.symmetric = symmetric;
    }

    /** The type of this number, or null when it is not supported. */
    static @Nullable GgufType of(int id) {
        for (GgufType type : values()) {
            if (type.id == id) {
                return type;
            }
        }
        return null;
    }

    /** For messages: the name of any type, with its number. */
    static String describe(int id) {
        GgufType type = of(id);
        return (type == null ? OTHERS.getOrDefault(id, "unknown") : type.name()) + " (" + Integer.toUnsignedString(id)
                + ")";
    }

    static String supported() {
        return Arrays.stream(values()).map(GgufType::name).collect(Collectors.joining(", "));
    }

    boolean isPlain() {
        return dtype != null;
    }

    /** The element type of a plain type. */
    DType dtype() {
        if (dtype == null) {
            throw new IllegalStateException(this + " is not a plain type");
        }
        return dtype;
    }

    /** The codes of a block type. */
    Codes codes() {
        if (codes == null) {
            throw new IllegalStateException(this + " is a plain type");
        }
        return codes;
    }

    int blockElements() {
        return blockElements;
    }

    int blockBytes() {
        return blockBytes;
    }

    /** Columns that share a scale. */
    int groupSize() {
        return groupSize;
    }

    boolean isSymmetric() {
        return symmetric;
    }
}
