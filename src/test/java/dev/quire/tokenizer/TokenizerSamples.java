package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The tokenizers that tests run on, and what the reference library says about them. */
final class TokenizerSamples {
    static final Path BYTE_LEVEL = Path.of("src/test/resources/tokenizers/byte-level");
    static final Path BYTE_FALLBACK = Path.of("src/test/resources/tokenizers/byte-fallback");

    private static final Path SHARED = Path.of("../shared/data/tokenizers");
    private static final Path SHARED_MODEL = Path.of("../shared/data/models/stories260K");

    record Vector(String text, int[] ids, int[] idsNoSpecial, String decoded, String decodedSkipSpecial) {
        @Override
        public String toString() {
            return text;
        }
    }

    private TokenizerSamples() {}

    /** Both small tokenizers of this project. */
    static Stream<Path> small() {
        return Stream.of(BYTE_LEVEL, BYTE_FALLBACK);
    }

    /** The small ones and the large published ones; where those are absent one entry stands for them. */
    static Stream<Path> all() throws IOException {
        List<Path> directories = new ArrayList<>(List.of(BYTE_LEVEL, BYTE_FALLBACK, SHARED_MODEL));
        if (Files.isDirectory(SHARED)) {
            try (Stream<Path> entries = Files.list(SHARED)) {
                entries.filter(Files::isDirectory)
                        .filter(entry -> Files.exists(entry.resolve("tokenizer.json")))
                        .sorted()
                        .forEach(directories::add);
            }
        } else {
            directories.add(SHARED);
        }
        return directories.stream();
    }

    static HuggingFaceTokenizer load(Path directory) throws IOException {
        assumeTrue(Files.exists(directory.resolve("tokenizer.json")), directory + " is absent");
        return HuggingFaceTokenizer.load(directory);
    }

    static List<Vector> vectors(Path directory) throws IOException {
        List<Vector> vectors = new ArrayList<>();
        JsonNode root = new ObjectMapper()
                .readTree(directory.resolve("vectors.json").toFile())
                .path("vectors");
        for (JsonNode row : root) {
            vectors.add(new Vector(
                    row.path("text").asText(),
                    ints(row.path("ids")),
                    ints(row.path("ids_no_special")),
                    row.path("decoded").asText(),
                    row.path("decoded_skip_special").asText()));
        }
        return vectors;
    }

    private static int[] ints(JsonNode array) {
        int[] ints = new int[array.size()];
        for (int i = 0; i < ints.length; i++) {
            ints[i] = array.get(i).asInt();
        }
        return ints;
    }
}
