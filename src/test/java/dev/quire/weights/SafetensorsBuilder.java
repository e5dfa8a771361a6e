package dev.quire.weights;

import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Writes safetensors files for tests. */
public final class SafetensorsBuilder {
    private final List<String> entries = new ArrayList<>();
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();

    public SafetensorsBuilder floats(String name, long[] dims, float... values) {
        ByteBuffer bytes = buffer(4 * values.length);
        for (float value : values) {
            bytes.putFloat(value);
        }
        return raw(name, DType.F32, dims, bytes.array());
    }

    public SafetensorsBuilder bf16(String name, long[] dims, float... values) {
        ByteBuffer bytes = buffer(2 * values.length);
        for (float value : values) {
            bytes.putShort(FloatBits.floatToBf16(value));
        }
        return raw(name, DType.BF16, dims, bytes.array());
    }

    public SafetensorsBuilder f16(String name, long[] dims, float... values) {
        ByteBuffer bytes = buffer(2 * values.length);
        for (float value : values) {
            bytes.putShort(FloatBits.floatToF16(value));
        }
        return raw(name, DType.F16, dims, bytes.array());
    }

    public SafetensorsBuilder ints(String name, long[] dims, int... values) {
        ByteBuffer bytes = buffer(4 * values.length);
        for (int value : values) {
            bytes.putInt(value);
        }
        return raw(name, DType.I32, dims, bytes.array());
    }

    public SafetensorsBuilder longs(String name, long[] dims, long... values) {
        ByteBuffer bytes = buffer(8 * values.length);
        for (long value : values) {
            bytes.putLong(value);
        }
        return raw(name, DType.I64, dims, bytes.array());
    }

    public SafetensorsBuilder raw(String name, DType type, long[] dims, byte[] bytes) {
        entries.add(String.format(
                "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}",
                name, type.safetensorsName(), Arrays.toString(dims), data.size(), data.size() + bytes.length));
        data.writeBytes(bytes);
        return this;
    }

    /** The file; the header is padded to 8 bytes as writers do. */
    public byte[] build() {
        return file("{\"__metadata__\":{\"format\":\"pt\"}," + String.join(",", entries) + "}", data.toByteArray());
    }

    public void writeTo(Path path) {
        try {
            Files.write(path, build());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A file of this header and these data, honest or not. */
    public static byte[] file(String header, byte[] data) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        int padded = (json.length + 7) / 8 * 8;
        ByteBuffer file = buffer(8 + padded + data.length).putLong(padded).put(json);
        while (file.position() < 8 + padded) {
            file.put((byte) ' ');
        }
        return file.put(data).array();
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
