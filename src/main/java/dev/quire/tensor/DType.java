package dev.quire.tensor;

import java.util.Locale;
import java.util.Optional;

/** The type of one tensor element; every type fills whole bytes, little-endian. */
public enum DType {
    F64(8, "F64", "float64"),
    F32(4, "F32", "float32"),
    F16(2, "F16", "float16"),
    BF16(2, "BF16", "bfloat16"),
    F8_E4M3(1, "F8_E4M3", "float8_e4m3fn"),
    F8_E5M2(1, "F8_E5M2", "float8_e5m2"),
    /** A power of two, 2^(byte - 127): the scale type of the MX formats. */
    F8_E8M0(1, "F8_E8M0", "float8_e8m0fnu"),
    I64(8, "I64", "int64"),
    I32(4, "I32", "int32"),
    I16(2, "I16", "int16"),
    I8(1, "I8", "int8"),
    U64(8, "U64", "uint64"),
    U32(4, "U32", "uint32"),
    U16(2, "U16", "uint16"),
    U8(1, "U8", "uint8"),
    BOOL(1, "BOOL", "bool");

    private final int sizeBytes;
    private final String safetensorsName;
    private final String torchName;

    DType(int sizeBytes, String safetensorsName, String torchName) {
        this.sizeBytes = sizeBytes;
        this.safetensorsName = safetensorsName;
        this.torchName = torchName;
    }

    /** Bytes of one element. */
    public int sizeBytes() {
        return sizeBytes;
    }

    /** The name in a safetensors header, such as {@code BF16}. */
    public String safetensorsName() {
        return safetensorsName;
    }

    /** The name in a config.json, such as {@code bfloat16}. */
    public String torchName() {
        return torchName;
    }

    /** Whether elements are floating-point numbers. */
    public boolean isFloat() {
        return ordinal() <= F8_E8M0.ordinal();
    }

    /** The type with this safetensors name, or empty when it is unknown here. */
    public static Optional<DType> ofSafetensorsName(String name) {
        for (DType type : values()) {
            if (type.safetensorsName.equals(name)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }

    /** The type with this PyTorch name, {@code torch.} in front and the short names {@code half}, {@code float} allowed. */
    public static Optional<DType> ofTorchName(String name) {
        String plain = name.toLowerCase(Locale.ROOT).replaceFirst("^torch\\.", "");
        switch (plain) {
            case "half":
                return Optional.of(F16);
            case "float":
                return Optional.of(F32);
            default:
                break;
        }
        for (DType type : values()) {
            if (type.torchName.equals(plain)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }
}
