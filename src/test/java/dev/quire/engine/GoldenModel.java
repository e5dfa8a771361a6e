package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.EngineHarness.Answer;
import dev.quire.engine.EngineHarness.Setup;
import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.Backend;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import dev.quire.tensor.HostBytes;
import dev.quire.tensor.HostTensor;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.ModelFiles;
import dev.quire.weights.ModelLocation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One directory of {@code src/test/resources/goldens}: a toy model and what transformers answers in float32. Beside the
 * model's own files lies {@code golden.safetensors}, with {@code prompt.i} I32 [n], {@code logits.i} F32 [vocab] after the
 * last prompt token, {@code ids.i} I32 [length] the greedy continuation, and, where the answer depends on it, {@code
 * max_model_len} I32 [1]. Written by {@code src/test/python/make_goldens.py}.
 */
final class GoldenModel {
    private static final int DEFAULT_MAX_MODEL_LEN = 128;
    private static final TokenIds NO_EOS = TokenIds.empty();

    /** A prompt and its answer. */
    record Gold(TokenIds prompt, float[] logits, List<Integer> ids) {}

    final String name;
    final ModelFiles files;
    final List<Gold> golds;
    final int maxModelLen;

    private GoldenModel(String name, ModelFiles files, List<Gold> golds, int maxModelLen) {
        this.name = name;
        this.files = files;
        this.golds = golds;
        this.maxModelLen = maxModelLen;
    }

    static GoldenModel read(Path directory) {
        ModelFiles files = ModelLocation.local(directory);
        List<Gold> golds = new ArrayList<>();
        int maxModelLen = DEFAULT_MAX_MODEL_LEN;
        try (Checkpoint golden = Checkpoint.open(new GoldenFile(ModelFiles.ofDirectory(directory)))) {
            for (int i = 0; golden.has("prompt." + i); i++) {
                List<Integer> ids = new ArrayList<>();
                for (int id : ints(golden, "ids." + i)) {
                    ids.add(id);
                }
                golds.add(new Gold(
                        TokenIds.of(ints(golden, "prompt." + i)),
                        golden.tensor("logits." + i).toFloats(),
                        ids));
            }
            if (golden.has("max_model_len")) {
                maxModelLen = ints(golden, "max_model_len")[0];
            }
        }
        assertThat(golds).as("prompts of %s", directory).isNotEmpty();
        return new GoldenModel(directory.getFileName().toString(), files, golds, maxModelLen);
    }

    private static int[] ints(Checkpoint golden, String name) {
        HostTensor tensor = golden.tensor(name);
        int[] values = new int[Math.toIntExact(tensor.numElements())];
        tensor.copyTo(0, values, 0, values.length);
        return values;
    }

    /** Blocks of a size and how many, tokens a step; two sequences' worth of blocks at least. */
    Setup setup(int blockSize, boolean caching, int budget) {
        int numBlocks = 4 * golds.size() * (maxModelLen / blockSize + 1);
        return new Setup(
                blockSize, numBlocks, caching, Math.min(8, budget), budget, maxModelLen, EngineHarness.Overlap.NONE);
    }

    EngineHarness open(Setup setup, @Nullable Backend device) {
        return device == null ? new EngineHarness(files, setup) : new EngineHarness(files, setup, device);
    }

    /** Logits after the last prompt token, all of it in one step into scattered blocks; before the engine is started. */
    static float[] firstLogits(EngineHarness harness, Setup setup, Gold gold, LogitsReader reader) {
        int[] tokens = gold.prompt.toArray();
        int[] blocks = new int[(tokens.length + setup.blockSize() - 1) / setup.blockSize()];
        // Every other block, from the last.
        Arrays.setAll(blocks, i -> setup.numBlocks() - 1 - 2 * i);
        AttentionMetadata metadata = new AttentionMetadata(
                1, setup.budget(), setup.maxModelLen() / setup.blockSize() + 1, setup.blockSize());
        metadata.clear();
        metadata.add(0, tokens.length, blocks, blocks.length);
        return reader.read(harness, tokens, metadata, new int[] {tokens.length - 1});
    }

    /** Runs one step and copies the logits of one row. */
    interface LogitsReader {
        float[] read(EngineHarness harness, int[] tokens, AttentionMetadata metadata, int[] rows);
    }

    /** For a device whose tensors are arrays. */
    static float[] readArrays(EngineHarness harness, int[] tokens, AttentionMetadata metadata, int[] rows) {
        harness.model.forward(tokens, metadata, harness.kvCache);
        float[] logits = harness.model.logits(rows, 1).floats();
        return Arrays.copyOf(logits, harness.config.vocabSize());
    }

    static Answer submit(EngineHarness harness, Gold gold, int length) {
        SamplingParams greedy = SamplingParams.builder()
                .temperature(0)
                .maxTokens(length)
                .ignoreEos(true)
                .build();
        return harness.submit(gold.prompt, greedy, NO_EOS);
    }

    /** Largest difference, as a share of the largest logit of the row. */
    static double relativeError(float[] got, float[] expected) {
        double largest = 0;
        double error = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            // Math.max keeps NaN.
            error = Math.max(error, Math.abs((double) got[i] - expected[i]));
        }
        return error / largest;
    }

    @Override
    public String toString() {
        return name;
    }

    /** The answers as the one file of a checkpoint. */
    private record GoldenFile(ModelFiles model) implements ModelFiles {
        private static final String SINGLE = "model.safetensors";
        private static final String GOLDEN = "golden.safetensors";

        @Override
        public boolean has(String name) {
            return name.equals(SINGLE);
        }

        @Override
        public byte[] read(String name) {
            return model.read(GOLDEN);
        }

        @Override
        public HostBytes bytes(String name) {
            return model.bytes(GOLDEN);
        }

        @Override
        public List<String> list() {
            return List.of(SINGLE);
        }

        @Override
        public String location() {
            return model.location();
        }

        @Override
        public @Nullable Path directory() {
            return null;
        }
    }
}
