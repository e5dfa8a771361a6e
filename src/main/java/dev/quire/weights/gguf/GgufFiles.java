package dev.quire.weights.gguf;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.quire.tensor.HostBytes;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.CheckpointException;
import dev.quire.weights.ModelFiles;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A GGUF file seen as the files of a Hugging Face model: config.json, generation_config.json, tokenizer.json and
 * tokenizer_config.json are written from its metadata when they are read.
 */
public final class GgufFiles implements ModelFiles {
    private static final String CONFIG = "config.json";
    private static final String GENERATION = "generation_config.json";
    private static final String TOKENIZER = "tokenizer.json";
    private static final String TOKENIZER_CONFIG = "tokenizer_config.json";
    private static final String EXTENSION = ".gguf";

    private final String location;
    private final GgufModel model;

    private GgufFiles(String location, GgufModel model) {
        this.location = location;
        this.model = model;
    }

    /**
     * Reads the header of a file, and of those that belong to it.
     *
     * @param directory where it lies
     * @param name its name there
     * @throws CheckpointException in one line: broken, or an architecture or a type of tensor that is not supported
     */
    public static GgufFiles open(ModelFiles directory, String name) {
        return new GgufFiles(directory.describe(name), GgufModel.open(directory, name));
    }

    /** Whether this is the name of such a file. */
    public static boolean isName(String name) {
        return name.toLowerCase(Locale.ROOT).endsWith(EXTENSION);
    }

    /** The models among a directory's files: GGUF files, of those that belong together the first, none that sees images. */
    public static List<String> modelsIn(ModelFiles directory) {
        Set<String> names = new LinkedHashSet<>();
        for (String name : directory.list()) {
            if (isName(name) && !name.toLowerCase(Locale.ROOT).startsWith("mmproj")) {
                names.add(GgufModel.firstShard(name));
            }
        }
        return new ArrayList<>(names);
    }

    /** Its tensors under Hugging Face's names. */
    public Checkpoint checkpoint() {
        return new GgufCheckpoint(this, model);
    }

    @Override
    public boolean has(String name) {
        return switch (name) {
            case CONFIG, GENERATION -> true;
            case TOKENIZER, TOKENIZER_CONFIG -> model.metadata().has(GgufVocabulary.TOKENS);
            default -> false;
        };
    }

    @Override
    public byte[] read(String name) {
        if (!has(name)) {
            throw new CheckpointException(describe(name), "file not found");
        }
        return switch (name) {
            case CONFIG -> text(GgufConfig.json(model));
            case GENERATION -> text(GgufTextFiles.generationConfig(model.metadata()));
            case TOKENIZER_CONFIG -> text(GgufTextFiles.tokenizerConfig(model.metadata()));
            default -> GgufTokenizer.json(model.metadata());
        };
    }

    private static byte[] text(ObjectNode json) {
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public HostBytes bytes(String name) {
        return HostBytes.of(ByteBuffer.wrap(read(name)));
    }

    @Override
    public List<String> list() {
        return model.metadata().has(GgufVocabulary.TOKENS)
                ? List.of(CONFIG, GENERATION, TOKENIZER, TOKENIZER_CONFIG)
                : List.of(CONFIG, GENERATION);
    }

    @Override
    public String location() {
        return location;
    }

    /** Null: the file is not a directory of such files. */
    @Override
    public @Nullable Path directory() {
        return null;
    }

    @Override
    public String describe(String name) {
        return location + " (as " + name + ")";
    }
}
