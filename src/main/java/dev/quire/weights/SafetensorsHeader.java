package dev.quire.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import dev.quire.tensor.DType;
import dev.quire.tensor.Shape;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Parses the JSON header of a safetensors file; each entry is consistent in itself. */
final class SafetensorsHeader {
    private static final JsonFactory JSON = new JsonFactory();
    private static final int MAX_RANK = 16;

    /** One tensor: {@code end - begin} is the size of {@code shape} elements of {@code dtype}. */
    record Entry(DType dtype, Shape shape, long begin, long end) {}

    private final String file;
    private final JsonParser parser;

    private SafetensorsHeader(String file, JsonParser parser) {
        this.file = file;
        this.parser = parser;
    }

    /** The entries by name in header order; throws {@link CheckpointException}. */
    static Map<String, Entry> parse(String file, byte[] json) {
        try (JsonParser parser = JSON.createParser(json)) {
            return new SafetensorsHeader(file, parser).entries();
        } catch (JsonProcessingException e) {
            throw new CheckpointException(file, "broken JSON header: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new CheckpointException(file, "broken JSON header: " + e.getMessage(), e);
        }
    }

    private Map<String, Entry> entries() throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw new CheckpointException(file, "broken JSON header: not an object");
        }
        Map<String, Entry> entries = new LinkedHashMap<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            parser.nextToken();
            if (name.equals("__metadata__")) {
                parser.skipChildren();
            } else if (entries.put(name, entry(name)) != null) {
                throw CheckpointException.ofTensor(file, name, "appears twice in the header");
            }
        }
        if (parser.nextToken() != null) {
            throw new CheckpointException(file, "broken JSON header: more than one value");
        }
        return entries;
    }

    private Entry entry(String name) throws IOException {
        require(name, parser.currentToken() == JsonToken.START_OBJECT, "is not described by an object");
        String type = null;
        long[] dims = null;
        long[] offsets = null;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String key = parser.currentName();
            JsonToken value = parser.nextToken();
            switch (key) {
                case "dtype" -> {
                    require(name, value == JsonToken.VALUE_STRING, "has a dtype that is not a string");
                    type = parser.getText();
                }
                case "shape" -> dims = longs(name, key);
                case "data_offsets" -> offsets = longs(name, key);
                default -> throw CheckpointException.ofTensor(file, name, "has an unknown key '" + key + "'");
            }
        }
        require(name, type != null && dims != null && offsets != null, "lacks dtype, shape or data_offsets");
        return checked(name, type, dims, offsets);
    }

    private Entry checked(String name, @Nullable String type, long @Nullable [] dims, long @Nullable [] offsets) {
        DType dtype = DType.ofSafetensorsName(String.valueOf(type))
                .orElseThrow(() -> CheckpointException.ofTensor(file, name, "has unknown dtype '" + type + "'"));
        require(name, dims != null && offsets != null && offsets.length == 2, "needs two data_offsets");
        long begin = offsets[0];
        long end = offsets[1];
        String described = dtype + " " + Arrays.toString(dims);
        require(name, begin >= 0 && begin <= end, "has data_offsets " + Arrays.toString(offsets));
        try {
            Shape shape = Shape.of(dims);
            long expected = Math.multiplyExact(shape.numElements(), (long) dtype.sizeBytes());
            require(
                    name,
                    expected == end - begin,
                    described + " needs " + expected + " bytes, data_offsets give " + (end - begin));
            return new Entry(dtype, shape, begin, end);
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw CheckpointException.ofTensor(file, name, "has impossible shape " + described);
        }
    }

    private long[] longs(String name, String key) throws IOException {
        require(name, parser.currentToken() == JsonToken.START_ARRAY, "has a " + key + " that is not a list");
        long[] values = new long[MAX_RANK];
        int count = 0;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            boolean whole = parser.currentToken() == JsonToken.VALUE_NUMBER_INT;
            require(name, whole && count < MAX_RANK, "has a " + key + " that is not a short list of whole numbers");
            values[count++] = parser.getLongValue();
        }
        return Arrays.copyOf(values, count);
    }

    private void require(String name, boolean holds, String problem) {
        if (!holds) {
            throw CheckpointException.ofTensor(file, name, problem);
        }
    }
}
