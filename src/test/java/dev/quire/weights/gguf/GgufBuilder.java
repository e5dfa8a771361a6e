package dev.quire.weights.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import dev.quire.tensor.HostBytes;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Writes GGUF files for tests, broken ones too: what it is told goes into the header unchecked. */
final class GgufBuilder {
    private static final int ALIGNMENT = 32;

    private record Tensor(String name, int type, long[] dims, byte[] data) {}

    private final List<byte[]> values = new ArrayList<>();
    private final List<Tensor> tensors = new ArrayList<>();
    private int version = 3;

    static GgufBuilder of(String architecture) {
        return new GgufBuilder().string("general.architecture", architecture);
    }

    GgufBuilder version(int number) {
        version = number;
        return this;
    }

    GgufBuilder string(String key, String value) {
        return value(key, 8, text(value));
    }

    GgufBuilder uint32(String key, int value) {
        return value(key, 4, ints(value));
    }

    GgufBuilder float32(String key, float value) {
        return value(key, 6, ints(Float.floatToRawIntBits(value)));
    }

    GgufBuilder bool(String key, boolean value) {
        return value(key, 7, new byte[] {(byte) (value ? 1 : 0)});
    }

    GgufBuilder strings(String key, List<String> texts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(ints(8));
        out.writeBytes(longs(texts.size()));
        texts.forEach(text -> out.writeBytes(text(text)));
        return value(key, 9, out.toByteArray());
    }

    GgufBuilder int32s(String key, int... numbers) {
        return value(key, 9, concat(ints(5), longs(numbers.length), ints(numbers)));
    }

    GgufBuilder float32s(String key, float... numbers) {
        int[] bits = new int[numbers.length];
        Arrays.setAll(bits, i -> Float.floatToRawIntBits(numbers[i]));
        return value(key, 9, concat(ints(6), longs(numbers.length), ints(bits)));
    }

    /** Any bytes as the value of any type. */
    GgufBuilder value(String key, int type, byte[] bytes) {
        values.add(concat(text(key), ints(type), bytes));
        return this;
    }

    /** @param dims innermost first, as the file has them */
    GgufBuilder tensor(String name, int type, byte[] data, long... dims) {
        tensors.add(new Tensor(name, type, dims, data));
        return this;
    }

    GgufBuilder floats(String name, float[] data, long... dims) {
        int[] bits = new int[data.length];
        Arrays.setAll(bits, i -> Float.floatToRawIntBits(data[i]));
        return tensor(name, 0, ints(bits), dims);
    }

    /** Vocabulary, merges and kinds of a byte-level tokenizer.json. */
    GgufBuilder byteLevel(JsonNode tokenizer, String pre) {
        vocabulary(tokenizer);
        List<String> merges = new ArrayList<>();
        for (JsonNode merge : tokenizer.path("model").path("merges")) {
            merges.add(
                    merge.isTextual()
                            ? merge.asText()
                            : merge.get(0).asText() + " " + merge.get(1).asText());
        }
        return string("tokenizer.ggml.model", "gpt2")
                .string("tokenizer.ggml.pre", pre)
                .strings("tokenizer.ggml.merges", merges);
    }

    /** Vocabulary, scores and kinds of a tokenizer.json of SentencePiece's kind: a piece scores by the merge that makes it. */
    GgufBuilder sentencePiece(JsonNode tokenizer) {
        List<String> tokens = vocabulary(tokenizer);
        float[] scores = new float[tokens.size()];
        Arrays.fill(scores, -10_000);
        int rank = 0;
        for (JsonNode merge : tokenizer.path("model").path("merges")) {
            int id = tokens.indexOf(merge.get(0).asText() + merge.get(1).asText());
            scores[id] = Math.max(scores[id], -rank++);
        }
        return string("tokenizer.ggml.model", "llama").float32s("tokenizer.ggml.scores", scores);
    }

    private List<String> vocabulary(JsonNode tokenizer) {
        List<String> tokens = new ArrayList<>();
        List<Integer> kinds = new ArrayList<>();
        for (Map.Entry<String, JsonNode> entry :
                tokenizer.path("model").path("vocab").properties()) {
            put(
                    tokens,
                    kinds,
                    entry.getValue().asInt(),
                    entry.getKey(),
                    entry.getKey().matches("<0x..>") ? 6 : 1);
        }
        for (JsonNode added : tokenizer.path("added_tokens")) {
            int kind = added.path("special").asBoolean() ? 3 : 4;
            put(tokens, kinds, added.path("id").asInt(), added.path("content").asText(), kind);
        }
        for (int id = 0; id < tokens.size(); id++) {
            if (tokens.get(id).isEmpty()) {
                tokens.set(id, "[PAD" + id + "]");
                kinds.set(id, 5);
            }
        }
        strings("tokenizer.ggml.tokens", tokens);
        int32s(
                "tokenizer.ggml.token_type",
                kinds.stream().mapToInt(Integer::intValue).toArray());
        return tokens;
    }

    private static void put(List<String> tokens, List<Integer> kinds, int id, String token, int kind) {
        while (tokens.size() <= id) {
            tokens.add("");
            kinds.add(1);
        }
        tokens.set(id, token);
        kinds.set(id, kind);
    }

    byte[] bytes() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(ints(version));
        out.writeBytes(longs(tensors.size(), values.size()));
        values.forEach(out::writeBytes);
        long offset = 0;
        for (Tensor tensor : tensors) {
            out.writeBytes(concat(text(tensor.name), ints(tensor.dims.length), longs(tensor.dims)));
            out.writeBytes(concat(ints(tensor.type), longs(offset)));
            offset += padded(tensor.data.length);
        }
        out.writeBytes(new byte[padded(out.size()) - out.size()]);
        for (Tensor tensor : tensors) {
            out.writeBytes(Arrays.copyOf(tensor.data, padded(tensor.data.length)));
        }
        return out.toByteArray();
    }

    GgufFile read() {
        return GgufFile.read("toy.gguf", HostBytes.of(ByteBuffer.wrap(bytes())));
    }

    private static int padded(int size) {
        return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private static byte[] text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return concat(longs(bytes.length), bytes);
    }

    static byte[] ints(int... numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(numbers);
        return bytes.array();
    }

    static byte[] longs(long... numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(8 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asLongBuffer().put(numbers);
        return bytes.array();
    }

    private static byte[] concat(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }
}
