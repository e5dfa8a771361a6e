package dev.quire.weights.gguf;

import dev.quire.tensor.HostBytes;
import dev.quire.weights.CheckpointException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The keys and values of a GGUF header. Values stay in the file until they are asked for: a vocabulary is large, and read once.
 * Every getter throws {@link CheckpointException} naming file and key when the key is absent, where there is no default, or of
 * another type.
 */
final class GgufMetadata {
    private static final int BOOL = 7;
    private static final int STRING = 8;
    private static final int ARRAY = 9;
    /** Bytes of a value by type number; 0 where they vary. */
    private static final int[] SIZES = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

    private static final List<String> NAMES = List.of(
            "uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "bool", "string", "array", "uint64",
            "int64", "float64");

    private record Value(int type, long position) {}

    private final String file;
    private final HostBytes bytes;
    private final Map<String, Value> values = new LinkedHashMap<>();

    private GgufMetadata(String file, HostBytes bytes) {
        this.file = file;
        this.bytes = bytes;
    }

    /** Reads {@code count} keys and passes over their values, all of which are checked to lie inside the file. */
    static GgufMetadata read(String file, HostBytes bytes, GgufCursor cursor, long count) {
        GgufMetadata metadata = new GgufMetadata(file, bytes);
        for (long i = 0; i < count; i++) {
            String key = cursor.string();
            int type = cursor.int32();
            if (metadata.values.put(key, new Value(type, cursor.position())) != null) {
                throw metadata.error(key, "is there twice");
            }
            metadata.skip(key, type, cursor);
        }
        return metadata;
    }

    private void skip(String key, int type, GgufCursor cursor) {
        if (type < 0 || type >= SIZES.length) {
            throw error(key, "has unknown type " + Integer.toUnsignedString(type));
        }
        if (type == STRING) {
            cursor.skipString();
        } else if (type == ARRAY) {
            int elements = cursor.int32();
            if (elements < 0 || elements >= SIZES.length || elements == ARRAY) {
                throw error(key, "is an array of unknown type " + Integer.toUnsignedString(elements));
            }
            long count = cursor.count("elements of '" + key + "'", elements == STRING ? 8 : SIZES[elements]);
            if (elements == STRING) {
                for (long i = 0; i < count; i++) {
                    cursor.skipString();
                }
            } else {
                cursor.skip(count * SIZES[elements]);
            }
        } else {
            cursor.skip(SIZES[type]);
        }
    }

    /** The file, for messages. */
    String file() {
        return file;
    }

    Set<String> keys() {
        return Collections.unmodifiableSet(values.keySet());
    }

    boolean has(String key) {
        return values.containsKey(key);
    }

    String string(String key) {
        Value value = required(key);
        check(key, value.type == STRING, "a string", value);
        return cursor(value).string();
    }

    String string(String key, String absent) {
        return has(key) ? string(key) : absent;
    }

    boolean bool(String key, boolean absent) {
        if (!has(key)) {
            return absent;
        }
        Value value = required(key);
        check(key, value.type == BOOL, "a bool", value);
        return cursor(value).int8() != 0;
    }

    double number(String key) {
        Value value = required(key);
        check(key, value.type != STRING && value.type != ARRAY && value.type != BOOL, "a number", value);
        return number(value.type, cursor(value));
    }

    double number(String key, double absent) {
        return has(key) ? number(key) : absent;
    }

    /** An integer of any width that fits an int. */
    int integer(String key) {
        double number = number(key);
        if (number != Math.rint(number) || Math.abs(number) > Integer.MAX_VALUE) {
            throw error(key, "must be an int, is " + number);
        }
        return (int) number;
    }

    int integer(String key, int absent) {
        return has(key) ? integer(key) : absent;
    }

    boolean isArray(String key) {
        return has(key) && required(key).type == ARRAY;
    }

    /** An array of strings; empty when absent. */
    List<String> strings(String key) {
        if (!has(key)) {
            return List.of();
        }
        Value value = required(key);
        GgufCursor cursor = array(key, value, STRING, "an array of strings");
        int count = length(key, cursor);
        List<String> texts = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            texts.add(cursor.string());
        }
        return texts;
    }

    /** An array of numbers, a bool counting as 0 or 1; empty when absent. */
    double[] numbers(String key) {
        if (!has(key)) {
            return new double[0];
        }
        Value value = required(key);
        check(key, value.type == ARRAY, "an array of numbers", value);
        GgufCursor cursor = cursor(value);
        int type = cursor.int32();
        if (type == STRING) {
            throw error(key, "must be an array of numbers, is one of strings");
        }
        double[] numbers = new double[length(key, cursor)];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = number(type, cursor);
        }
        return numbers;
    }

    /** An exception that names file and key. */
    CheckpointException error(String key, String problem) {
        return new CheckpointException(file, "'" + key + "' " + problem);
    }

    private GgufCursor array(String key, Value value, int elements, String wanted) {
        check(key, value.type == ARRAY, wanted, value);
        GgufCursor cursor = cursor(value);
        int found = cursor.int32();
        if (found != elements) {
            throw error(key, "must be " + wanted + ", is one of " + NAMES.get(found));
        }
        return cursor;
    }

    private int length(String key, GgufCursor cursor) {
        long count = cursor.int64();
        if (count > Integer.MAX_VALUE - 8) {
            throw error(key, "has " + count + " elements, more than an array holds");
        }
        return (int) count;
    }

    private static double number(int type, GgufCursor cursor) {
        return switch (type) {
            case 0, BOOL -> cursor.int8() & 0xff;
            case 1 -> cursor.int8();
            case 2 -> cursor.int16() & 0xffff;
            case 3 -> cursor.int16();
            case 4 -> cursor.int32() & 0xffffffffL;
            case 5 -> cursor.int32();
            case 6 -> cursor.float32();
            case 10, 11 -> cursor.int64();
            default -> cursor.float64();
        };
    }

    private GgufCursor cursor(Value value) {
        return new GgufCursor(file, bytes, value.position);
    }

    private Value required(String key) {
        Value value = values.get(key);
        if (value == null) {
            throw error(key, "is missing");
        }
        return value;
    }

    private void check(String key, boolean fits, String wanted, Value value) {
        if (!fits) {
            throw error(key, "must be " + wanted + ", has type " + NAMES.get(value.type));
        }
    }
}
